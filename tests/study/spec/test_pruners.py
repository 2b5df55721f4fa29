"""The pruners of a study file: their options are complete, and in epochs."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from study.spec.pruners import AnyPruner, Asha, NoPruning, PrunerChoice

NAMES = ["asha", "pasha", "first-epochs", "hyperband", "median", "percentile", "patient", "none"]
PRUNERS: TypeAdapter[PrunerChoice] = TypeAdapter(AnyPruner)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("none", {}),
        ("asha", {"min_epochs": 1, "reduction": 3}),
        ("first-epochs", {"epochs": 1, "keep": 3}),
        ("hyperband", {"min_epochs": 1, "reduction": 3}),
        ("patient", {"patience": 5, "min_delta": 0.0}),
        (
            "percentile",
            {
                "percentile": 25.0,
                "startup_trials": 5,
                "warmup_epochs": 0,
                "interval_epochs": 1,
                "min_trials": 1,
            },
        ),
    ],
)
def test_a_name_stands_for_all_defaults(name: str, options: dict[str, object]) -> None:
    chosen = PRUNERS.validate_python(name)
    assert chosen.options == options
    assert list(chosen.options) == list(options)


def test_what_is_written_wins() -> None:
    assert PRUNERS.validate_python({"name": "asha", "reduction": 2}) == Asha(reduction=2)
    assert PRUNERS.validate_python({"name": "none"}) == NoPruning()


def test_a_mapping_must_have_a_name() -> None:
    with pytest.raises(ValueError, match="must be the name of a pruner"):
        PRUNERS.validate_python({"min_epochs": 2})


def test_only_those_that_are_told_to_promote() -> None:
    promoting = [name for name in NAMES if PRUNERS.validate_python(name).promotes]
    assert promoting == ["pasha", "first-epochs"]
    asha = PRUNERS.validate_python({"name": "asha", "promote": True})
    assert asha.promotes
    assert asha.options == {"min_epochs": 1, "reduction": 3, "promote": True}
