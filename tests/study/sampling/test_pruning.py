"""Stop decisions against Optuna's own, and against fronts worked out by hand."""

from __future__ import annotations

import random
from typing import Any

import optuna
import pytest

from study.sampling.pruning import (
    make_optuna_pruner,
    make_pruner,
)
from study.spec.load import spec_from_tree
from study.spec.sections import Objective

ACCURACY = (Objective(metric="val_accuracy", direction="maximize"),)
BOTH = (
    Objective(metric="val_accuracy", direction="maximize"),
    Objective(metric="total_seconds", direction="minimize"),
)
NAMES = ["asha", "hyperband", "median", "percentile", "patient"]


def options_of(name: str) -> Any:
    return spec_from_tree(
        {
            "study": "s",
            "points": 1,
            "pruner": name,
            "space": {"optimizer": {"lr": {"log": [1e-4, 1]}}},
        }
    ).pruner


def reports(index: int) -> list[float]:
    chance = random.Random(index)
    height = chance.random()
    return [height * (1 - 0.7**epoch) + chance.gauss(0, 0.02) for epoch in range(1, 10)]


@pytest.mark.parametrize("name", NAMES)
def test_trial_by_trial_decisions_are_optunas_own(name: str) -> None:
    """Trials run one after the other: there the free-running pruner must decide just as an Optuna
    study does.
    """
    choice = options_of(name)
    pruner = make_pruner(choice, ACCURACY, 9, by_number=False)
    study = optuna.create_study(
        study_name="study",
        direction="maximize",
        pruner=make_optuna_pruner(name, dict(choice.options), 9),
    )
    for index in range(30):
        trial = study.ask()
        state = "COMPLETE"
        for epoch, value in enumerate(reports(index), 1):
            trial.report(value, epoch)
            expected = trial.should_prune()
            assert pruner.stops(index, epoch, (value,)) == expected
            if expected:
                state = "PRUNED"
                break
        pruner.close(index, state)
        study.tell(
            trial, value if state == "COMPLETE" else None, state=optuna.trial.TrialState[state]
        )


@pytest.mark.parametrize("name", NAMES)
def test_by_number_the_order_of_arrival_does_not_matter(name: str) -> None:
    choice = options_of(name)
    one, other = (make_pruner(choice, ACCURACY, 9, by_number=True) for _ in range(2))
    decided = {
        (i, e): one.stops(i, e, (reports(i)[e - 1],)) for i in range(12) for e in range(1, 9)
    }
    epochs_first = {
        (i, e): other.stops(i, e, (reports(i)[e - 1],)) for e in range(1, 9) for i in range(12)
    }
    if name != "hyperband" and name != "asha":
        assert decided == epochs_first
    # halving counts those that reached a rung: the same ones in either order
    assert {key: decided[key] for key in decided} == epochs_first
