"""Which worker is listened to."""

from __future__ import annotations

import math

from study.journal.failure import Failure
from study.results.attempts import repeated_seconds

from ..fake_cluster import Storage, controller_on, curve, small_spec


def test_an_attempt_that_outlived_its_node_is_not_heard() -> None:
    controller = controller_on(Storage(), small_spec(pruner="none"))
    first = controller.next()
    controller.failed(first.trial, 1, Failure("node", "lost"))
    again = controller.next()
    assert (again.trial, again.attempt) == (first.trial, 2)
    assert not controller.reported(first.trial, 1, {"epoch": 1, **curve(first.recipe, 1)})
    assert controller.history.trials[0].epochs == 0
    assert controller.reported(again.trial, 2, {"epoch": 1, **curve(again.recipe, 1)})


def test_an_epoch_that_is_known_already_is_passed_over() -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec(pruner="none"))
    first = controller.next()
    row = {"epoch": 1, **curve(first.recipe, 1)}
    assert controller.reported(first.trial, 1, row)
    written = len(storage.events)
    assert controller.reported(first.trial, 1, {**row, "val_accuracy": 0.0})
    assert len(storage.events) == written
    assert controller.history.trials[0].rows[0]["val_accuracy"] == row["val_accuracy"]


def test_an_epoch_that_came_out_otherwise_is_recorded_once_and_its_row_stands() -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec(pruner="none"))
    first = controller.next()
    rows = [{"epoch": n, "seconds": 1.0 * n, **curve(first.recipe, n)} for n in (1, 2)]
    for row in rows:
        controller.reported(first.trial, 1, row)
    controller.failed(first.trial, 1, Failure("node", "lost"))
    again = controller.next()
    written = len(storage.events)
    controller.repeated(again.trial, 2, {**rows[0], "seconds": 7.0, "train_seconds": 3.0})
    assert len(storage.events) == written, "it took another time, which says nothing"
    for row in rows:
        controller.repeated(again.trial, 2, {**row, "val_accuracy": math.nan})
    (event,) = storage.events[written:]
    assert (event["event"], event["attempt"], event["epoch"]) == ("repeated", 2, 1)
    assert event["metrics"] == {"val_accuracy": None}
    trial = controller.history.trials[0]
    assert [row["val_accuracy"] for row in trial.rows] == [row["val_accuracy"] for row in rows]
    assert [attempt.differs_at for attempt in trial.attempts] == [None, 1]
    controller.repeated(again.trial, 2, {**rows[1], "epoch": 9})
    controller.repeated(99, 1, rows[0])
    assert len(storage.events) == written + 1


def test_an_attempt_that_was_set_aside_is_no_failure_and_its_trial_goes_on_first() -> None:
    storage = Storage()
    spec = small_spec(pruner="none", concurrency=1, trial={"retries": {"node": 0}})
    controller = controller_on(storage, spec)
    first = controller.next()
    controller.reported(first.trial, 1, {"epoch": 1, **curve(first.recipe, 1)})
    controller.set_aside(first.trial, 1, 1, "share")
    controller.set_aside(first.trial, 1, 1, "share")
    assert [event["event"] for event in storage.events[-2:]] == ["reported", "set_aside"]
    trial = controller.history.trials[0]
    assert (trial.state, trial.is_set_aside, trial.attempt.failure) == ("RUNNING", True, None)
    assert not controller.is_wanted(first.trial, 1)
    assert controller.count_startable() == 1 + spec.points - 1
    successor = controller_on(storage, spec)
    assert successor.history.trials[0].is_set_aside
    again = successor.next()
    assert (again.trial, again.attempt, again.epochs_reported) == (first.trial, 2, 1)
    assert not successor.history.trials[0].is_set_aside
    assert repeated_seconds(successor.history.trials[0]) == 0.0


def test_a_gap_in_the_epochs_fails_the_attempt() -> None:
    controller = controller_on(Storage(), small_spec(pruner="none"))
    first = controller.next()
    assert not controller.reported(first.trial, 1, {"epoch": 2, **curve(first.recipe, 2)})
    failure = controller.history.trials[0].attempts[0].failure
    assert failure is not None
    assert failure.message == "epoch 2 was reported where epoch 1 was due"


def test_where_an_attempt_runs_is_recorded() -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec(pruner="none"))
    first = controller.next()
    controller.placed(first.trial, 1, {"host": "h", "node": "n", "pid": 7, "device": "cpu"})
    attempt = controller.history.trials[0].attempt
    assert (attempt.host, attempt.node, attempt.pid, attempt.device) == ("h", "n", 7, "cpu")
    assert attempt.device_bytes is None
    assert "device_bytes" not in storage.events[-1]
    controller.placed(99, 1, {"host": "h", "node": "n", "pid": 7, "device": "cpu"})
    assert storage.events[-1]["trial"] == first.trial, "nobody knows of trial 99"


def test_a_storage_that_fails_stops_the_study() -> None:
    controller = controller_on(Storage(), small_spec(pruner="none"))
    first = controller.next()
    controller.failed(first.trial, 1, Failure("storage", "disk full"))
    assert controller.stopping == "fault"
    assert controller.history.trials[0].state == "RUNNING", "the trial is tried again"
