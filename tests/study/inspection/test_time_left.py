"""The time left: it counts confirmation, added points and pruning, and doesn't jump."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from study.controller.controller import Controller
from study.inspection.time_left import TimeLeft, elapsed_text, time_left_text
from study.journal.events import Placement

from ..fake_cluster import Storage, controller_on, drive, small_spec

OPENED = 1_000.0
PLACE = Placement(host="here", node="n", pid=7, device="cpu")


def ended(**changes: Any) -> Controller:
    """A study of 12 points of 6 epochs that has ended, an epoch each second since it was begun."""
    controller = controller_on(Storage(), small_spec(**{"pruner": "none", **changes}))
    drive(controller)
    controller.history.sessions[-1].opened_at = OPENED
    moments = count(OPENED)
    for trial in controller.history.trials:
        trial.rows[:] = [row | {"time": next(moments)} for row in trial.rows]
    return controller


def reopen(controller: Controller, points: int) -> None:
    """Take the last points back, as if they had not been asked for."""
    history = controller.history
    kept = len(history.points) - points
    del history.points[kept:]
    history.trials[:] = [trial for trial in history.trials if trial.point < kept]


def left(controller: Controller) -> float:
    history = controller.history
    moment = max(row["time"] for trial in history.trials for row in trial.rows)
    seconds = TimeLeft().seconds(controller.spec, history, moment)
    assert seconds is not None
    return seconds


def test_nothing_is_known_before_a_few_epochs() -> None:
    controller = controller_on(Storage(), small_spec())
    assert TimeLeft().seconds(controller.spec, controller.history, OPENED) is None


def test_points_to_come_take_as_long_as_those_that_were() -> None:
    controller = ended()
    assert left(controller) == pytest.approx(0, abs=1)
    reopen(controller, 5)
    assert left(controller) == pytest.approx(5 * 6, rel=0.1)


def test_the_confirmation_is_counted() -> None:
    confirm = {"top": 2, "replicates": 3}
    controller = ended(confirm=confirm)
    assert left(controller) == pytest.approx(0, abs=1)
    history = controller.history
    history.trials[:] = [trial for trial in history.trials if trial.kind == "search"]
    assert left(controller) == pytest.approx(2 * 3 * 6, rel=0.1)


def test_points_that_a_user_added_are_counted() -> None:
    controller = ended()
    before = left(controller)
    controller.history.user_points += 4
    assert left(controller) - before == pytest.approx(4 * 6, rel=0.1)


def test_what_is_pruned_shortens_what_is_to_come() -> None:
    whole, pruned = ended(), ended(pruner={"name": "asha", "min_epochs": 1, "reduction": 2})
    reopen(whole, 4)
    reopen(pruned, 4)
    assert left(pruned) < 0.8 * left(whole)


def test_the_estimate_moves_slowly() -> None:
    controller = ended()
    reopen(controller, 6)
    history, estimate = controller.history, TimeLeft()
    now = OPENED + 40
    first = estimate.seconds(controller.spec, history, now)
    assert first is not None
    history.user_points += 20  # three times as much as before
    soon, later = (estimate.seconds(controller.spec, history, now + after) for after in (0.25, 600))
    assert soon is not None
    assert later is not None
    assert abs(soon - first) < 0.15 * first
    assert later > 2 * first


@pytest.mark.parametrize("at_once", [2, 4])
def test_trials_that_report_in_step_are_no_sudden_haste(at_once: int) -> None:
    """All that run at once report an epoch within a moment, and the next one 100 s later."""
    controller = controller_on(Storage(), small_spec(pruner="none", concurrency=at_once))
    history, estimate, said = controller.history, TimeLeft(), []
    for _ in range(at_once):
        work: Any = controller.next()
        controller.placed(work.trial, work.attempt, PLACE)
    history.sessions[-1].opened_at = OPENED
    for epoch in range(1, 5):
        for trial in range(at_once):
            now = OPENED + 100 * epoch + 0.1 * trial
            controller.reported(trial, 1, {"epoch": epoch, "val_accuracy": 0.5, "time": now})
            rows = history.trials[trial].rows
            rows[-1] = rows[-1] | {"time": now}
            said.append((now, estimate.seconds(controller.spec, history, now)))
    expected = 12 * 6 * 100 / at_once
    ends = [now + left for now, left in said if left is not None]
    assert len(ends) > at_once
    assert min(ends) > OPENED + 0.7 * expected
    assert max(ends) < OPENED + 1.7 * expected


def test_a_training_whose_length_is_not_in_epochs_has_that_of_those_before() -> None:
    controller = ended()
    reopen(controller, 5)
    by_steps = small_spec(pruner="none", recipe={"epochs": None, "steps": 60})
    assert by_steps.training(controller.history.points[0].values).length is None
    seconds = TimeLeft().seconds(by_steps, controller.history, OPENED + 42)
    assert seconds == pytest.approx(5 * 6, rel=0.1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "a few seconds"), (42, "about 40 s"), (300, "about 5 min"), (9000, "about 2.5 h")],
)
def test_a_duration_is_as_rough_as_it_is_known(seconds: float, text: str) -> None:
    assert time_left_text(seconds) == text


def test_elapsed_time_is_a_clocks() -> None:
    assert [elapsed_text(s) for s in (5, 83, 7283)] == ["0:05", "1:23", "2:01:23"]


def test_where_the_pruner_promotes_most_points_take_few_epochs() -> None:
    controller = ended(pruner={"name": "first-epochs", "keep": 2})
    assert left(controller) == pytest.approx(0, abs=1)
    reopen(controller, 6)
    done = sum(trial.epochs for trial in controller.history.trials)
    assert left(controller) == pytest.approx(12 + 2 * 5 - done, rel=0.1)
