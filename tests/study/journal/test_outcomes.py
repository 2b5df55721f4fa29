"""The values of trials and points."""

from __future__ import annotations

import math

from study.journal.outcomes import (
    objective_values,
    point_value,
    search_trials,
    survivors_value,
    trial_value,
)
from study.journal.trials import Point, Trial
from study.spec.sections import Objective

ACCURACY = Objective(metric="val_accuracy", direction="maximize")
BEST = Objective(metric="val_accuracy", direction="maximize", at="best")
SECONDS = Objective(metric="total_seconds", direction="minimize")
TEST = Objective(metric="test_accuracy", direction="maximize")


def trial_of(replicate: int, *accuracies: float, state: str = "COMPLETE") -> Trial:
    rows = [
        {"epoch": epoch, "val_accuracy": accuracy, "seconds": 2.0 * epoch}
        for epoch, accuracy in enumerate(accuracies, 1)
    ]
    kind = "confirm" if replicate >= 1000 else "search"
    return Trial(replicate, 0, replicate, replicate, kind, state=state, rows=rows)  # type: ignore[arg-type]


def point_of(*trials: Trial) -> Point:
    found = {trial.replicate: trial for trial in trials}
    return Point(0, {}, "sampler", None, 0, None, True, 0.0, trials=found)


def test_a_trials_value_is_its_last_or_its_best_epochs() -> None:
    trial = trial_of(0, 0.5, 0.9, 0.7)
    assert trial_value(trial, ACCURACY) == 0.7
    assert trial_value(trial, BEST) == 0.9
    assert trial_value(trial, SECONDS) == 6.0


def test_what_only_a_whole_training_has_comes_from_its_summary_and_is_unknown_before() -> None:
    trial = trial_of(0, 0.5)
    assert math.isnan(trial_value(trial, TEST))
    trial.summary = {"test_accuracy": 0.4}
    assert objective_values(trial, (ACCURACY, TEST), 1) == (0.5, 0.4)


def test_a_points_value_takes_all_of_its_seeds() -> None:
    point = point_of(trial_of(0, 0.5), trial_of(1, 0.7), trial_of(2, 0.1, state="PRUNED"))
    assert point_value(point, (ACCURACY,), 2) == 0.6
    assert point_value(point, (ACCURACY,), 3) is None
    assert point_value(point, (ACCURACY, SECONDS), 2) == [0.6, 2.0]


def test_in_older_studies_a_points_value_takes_those_that_are_left() -> None:
    point = point_of(trial_of(0, 0.5), trial_of(1, 0.1, state="FAIL"), trial_of(2, 0.7))
    assert survivors_value(point, (ACCURACY,), None) == 0.6
    assert survivors_value(point, (ACCURACY,), 2) == 0.5
    assert survivors_value(point_of(trial_of(0, 0.5, state="FAIL")), (ACCURACY,), None) is None


def test_fresh_seeds_are_no_part_of_the_search() -> None:
    point = point_of(trial_of(0, 0.5), trial_of(1000, 0.1))
    assert [trial.replicate for trial in search_trials(point)] == [0]
    assert point_value(point, (ACCURACY,), 1) == 0.5
