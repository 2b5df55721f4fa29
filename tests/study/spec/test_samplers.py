"""The samplers of a study file: by a name, a mapping, or a factory of the user's own."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from study.spec.samplers import AnySampler, FirstOnly, OwnSampler, SamplerChoice, Tpe

SAMPLERS: TypeAdapter[SamplerChoice] = TypeAdapter(AnySampler)


def test_a_name_stands_for_its_mapping_and_tpe_for_none() -> None:
    assert SAMPLERS.validate_python("first-only") == FirstOnly()
    assert SAMPLERS.validate_python({"seed": 3}) == Tpe(seed=3)


def test_options_are_what_is_written_and_no_more() -> None:
    assert Tpe().options == {}
    chosen = SAMPLERS.validate_python({"name": "tpe", "group": False, "n_startup_trials": 5})
    assert chosen.options == {"n_startup_trials": 5, "group": False}
    assert chosen.tree() == {"name": "tpe", "seed": 0, "n_startup_trials": 5, "group": False}


def test_a_factory_takes_any_options_and_an_unknown_name_is_no_factory() -> None:
    own = SAMPLERS.validate_python({"name": "my.package:make", "seed": 1, "depth": 2})
    assert own == OwnSampler(name="my.package:make", seed=1, depth=2)  # type: ignore[call-arg]
    assert own.options == {"depth": 2}
    with pytest.raises(ValueError, match="depth"):
        SAMPLERS.validate_python({"name": "random", "depth": 2})
    with pytest.raises(ValueError, match="bayes"):
        SAMPLERS.validate_python("bayes")
