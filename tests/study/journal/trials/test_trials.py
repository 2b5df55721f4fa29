"""What points and trials say of themselves."""

from __future__ import annotations

from typing import Any

import pytest

from study.journal.trials import Attempt, Point, Trial


def trial_with(**changes: Any) -> Trial:
    attempts = [Attempt(1, 0.0, 0, ended_at=changes.pop("attempt_ended", None))]
    return Trial(0, 0, 0, 0, "search", attempts=attempts, **changes)


@pytest.mark.parametrize(
    ("trial", "in_flight", "idle", "ended"),
    [
        (trial_with(), True, False, False),
        (trial_with(attempt_ended=1.0), False, True, False),
        (trial_with(state="WAITING", attempt_ended=1.0), False, True, False),
        (trial_with(attempt_ended=1.0, training_end="finished"), False, False, False),
        (trial_with(attempt_ended=1.0, state="PRUNED"), False, False, True),
    ],
    ids=["trained", "interrupted", "reopened", "to be decided on", "stopped"],
)
def test_a_trial_is_trained_or_idle_or_has_ended(
    trial: Trial, in_flight: bool, idle: bool, ended: bool
) -> None:
    assert (trial.is_in_flight, trial.is_idle, trial.has_ended) == (in_flight, idle, ended)


def test_a_points_first_value_is_that_of_the_first_objective() -> None:
    point = Point(3, {}, "sampler", None, 0, None, True, 0.0, value=[0.9, 12.0])
    assert point.first_value == 0.9
    point.value = 0.5
    assert point.first_value == 0.5
    point.value = None
    with pytest.raises(ValueError, match="point 3 has no value"):
        _ = point.first_value
