"""Optuna's samplers by the study file's names for them, and those of the user's own."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from study.sampling.proposer import Proposer
from study.sampling.samplers import effective_options, make_sampler
from study.spec.load import spec_from_tree
from study.spec.samplers import RandomSearch, Tpe

SPACE: dict[str, Any] = {
    "optimizer": {
        "one_of": {
            "sgd": {"lr": {"log": [1e-4, 10]}, "momentum": {"uniform": [0, 0.99]}},
            "adam": {"lr": {"log": [1e-6, 1]}},
            "adamw": {"lr": {"log": [1e-6, 1]}, "weight_decay": {"log": [1e-6, 1]}},
        }
    },
    "accumulation": {"choice": [1, 2, 4]},
}


def proposer(name: str, seed: int, space: dict[str, Any] = SPACE, **options: Any) -> Proposer:
    spec = spec_from_tree(
        {
            "study": "s",
            "points": 60,
            "sampler": {"name": name, "seed": seed, **options},
            "space": space,
        }
    )
    return Proposer(spec.space, spec.sampler, spec.objectives)


def quadratic_sampler(seed: int, **options: Any) -> Any:
    return make_sampler(RandomSearch(**options), seed)


def test_a_users_own_sampler_is_called_with_its_options(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    import types

    module = types.ModuleType("mine")
    module.factory = quadratic_sampler  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "mine", module)
    asked = proposer("mine:factory", 3)
    assert asked.propose(0) == proposer("random", 3).propose(0)


@pytest.mark.parametrize("name", ["tpe", "random", "cmaes", "gp", "nsga2", "qmc"])
def test_every_name_of_a_study_file_makes_a_sampler(name: str) -> None:
    spec = spec_from_tree({"study": "s", "points": 1, "sampler": name, "space": SPACE})
    assert isinstance(make_sampler(spec.sampler, 7), optuna.samplers.BaseSampler)


def test_what_the_study_file_says_goes_before_our_defaults_and_those_before_optunas() -> None:
    assert effective_options(Tpe())["multivariate"] is True
    options = effective_options(Tpe(multivariate=False, n_startup_trials=3))
    assert (options["multivariate"], options["n_startup_trials"]) == (False, 3)
    assert options["group"] is True


def test_quasi_random_points_are_spread_over_every_branch_whichever_of_them_ends_first() -> None:
    in_order, in_reverse = proposer("qmc", 0), proposer("qmc", 0)
    first = [in_order.propose(index) for index in range(4)]
    assert [in_reverse.propose(index) for index in range(4)] == first
    for index in range(4):
        in_order.tell(index, "COMPLETE", 0.5)
        in_reverse.tell(3 - index, "COMPLETE", 0.5)
    points = first + [in_order.propose(index) for index in range(4, 32)]
    assert [in_reverse.propose(index) for index in range(4, 32)] == points[4:]
    for name in ("sgd", "adam", "adamw"):
        rates = [point["optimizer.lr"] for point in points if point["optimizer.name"] == name]
        assert len(rates) >= 8
        assert len(set(rates)) == len(rates)
