"""What attempts at trials took, what was lost with them, and who shared a device."""

from __future__ import annotations

from typing import Any

import pytest

from study.journal.history import History
from study.journal.journal import read_records
from study.journal.trials import Attempt, Trial
from study.results.attempts import (
    _Span,
    _trials_that_overlap,
    end_of_attempt,
    repeated_seconds,
    trials_on_shared_devices,
    wall_seconds,
    worker_seconds,
)

ADAM = {"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1}


def history_of(study: Any) -> History:
    return History(read_records(study.paths.journal))


def test_an_attempt_under_way_lasts_until_the_study_s_last_sign_of_life(make: Any) -> None:
    study = make()
    trial = study.start(study.point(ADAM), 0)
    study.report(trial, 1, 0.5)
    history = history_of(study)
    attempt = history.trials[0].attempts[0]
    assert attempt.ended_at is None
    assert end_of_attempt(history, attempt) == study.time
    assert wall_seconds(history, history.trials[0]) == study.time - attempt.placed_at


def test_waiting_for_a_worker_is_no_time_that_one_was_held(make: Any) -> None:
    study = make()
    study.start(study.point(ADAM), 0)
    study.time += 600
    study.point(ADAM)
    history = history_of(study)
    trial = history.trials[0]
    trial.attempt.placed_at = None
    assert wall_seconds(history, trial) == worker_seconds(history, trial) == 0
    trial.attempt.placed_at = study.time - 10
    trial.attempt.workers = 2
    assert (wall_seconds(history, trial), worker_seconds(history, trial)) == (10, 20)


def test_what_a_broken_attempt_did_after_its_last_report_is_done_again(make: Any) -> None:
    study = make()
    trial = study.start(study.point(ADAM), 0)
    study.report(trial, 1, 0.5)
    study.time += 9
    study.point(ADAM)  # the last sign of life of a driver that was killed, 10 s after the report
    study.open(session=1)
    study.attempt(trial, 0, 0, 2, epochs=1)
    study.report(trial, 2, 0.6, attempt=2)
    assert repeated_seconds(history_of(study).trials[0]) == 10


def test_waiting_for_a_worker_is_no_work_that_was_repeated() -> None:
    trial = Trial(0, 0, 0, 0, "search")
    lost = Attempt(number=1, started_at=100.0, epochs_before=0, ended_at=160.0)
    trial.attempts = [lost, Attempt(number=2, started_at=161.0, epochs_before=0)]
    assert repeated_seconds(trial) == 0
    lost.placed_at = 150.0
    assert repeated_seconds(trial) == 10


def test_an_attempt_under_way_has_repeated_nothing_yet(make: Any) -> None:
    study = make()
    study.start(study.point(ADAM), 0)
    assert repeated_seconds(history_of(study).trials[0]) == 0


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], set()),
        ([(0, 10, 1)], set()),
        ([(0, 10, 1), (10, 20, 2)], set()),
        ([(0, 10, 1), (9, 20, 2)], {1, 2}),
        ([(0, 10, 1), (5, 20, 1)], set()),
        ([(0, 100, 1), (5, 6, 2), (7, 8, 3), (200, 300, 4)], {1, 2, 3}),
    ],
)
def test_spans_overlap_where_another_trial_was_there_meanwhile(
    spans: list[tuple[float, float, int]], expected: set[int]
) -> None:
    assert _trials_that_overlap(_Span(*span) for span in spans) == expected


def test_trials_on_one_device_at_a_time_share_it(make: Any) -> None:
    study = make()
    point = study.point(ADAM)
    for replicate in range(3):
        study.start(point, replicate)
    assert trials_on_shared_devices(history_of(study)) == {0, 2}


@pytest.mark.parametrize(("gpus", "sharing"), [("012", set()), ("010", {0, 2}), ("", {0, 1, 2})])
def test_a_node_s_alike_gpus_are_told_apart_where_it_is_recorded_which_a_trial_had(
    make: Any, gpus: str, sharing: set[int]
) -> None:
    study = make()
    point = study.point(ADAM)
    for replicate in range(3):
        study.start(point, replicate)
    records = read_records(study.paths.journal)
    for record in records:
        if record["event"] == "placed":
            record["device"] = "NVIDIA H200"
            record |= {"gpu": gpus[record["trial"]]} if gpus else {}
    assert trials_on_shared_devices(History(records)) == sharing
