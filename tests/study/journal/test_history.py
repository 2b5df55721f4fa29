"""What events add up to."""

from __future__ import annotations

from typing import Any

import pytest

from study.journal.event_codec import Event
from study.journal.events import (
    AttemptFailed,
    AttemptPlaced,
    AttemptStarted,
    EpochReported,
    PointAsked,
    PointCosted,
    PointEnded,
    PointReopened,
    SessionClosed,
    SessionOpened,
    StudyCreated,
    TrainingFinished,
    TrialEnded,
    TrialStopped,
)
from study.journal.failure import Failure
from study.journal.history import History


def opened(session: int, time: float) -> Event:
    return SessionOpened(
        session=session, pid=1, host="h", command="study run", provenance={}, time=time
    )


def asked(point: int = 0, **changes: Any) -> Event:
    fields: dict[str, Any] = {"origin": "sampler", "entry": None, "level": 0, "nominal": None}
    return PointAsked(
        point=point, values={"optimizer.lr": 0.1}, known=True, **{**fields, **changes}
    )


def started(trial: int = 0, attempt: int = 1, replicate: int = 0, **changes: Any) -> Event:
    fields: dict[str, Any] = {"point": 0, "kind": "search", "epochs": 0, "substitutions": {}}
    return AttemptStarted(
        trial=trial, attempt=attempt, replicate=replicate, seed=replicate, **{**fields, **changes}
    )


def reported(epoch: int, *, trial: int = 0, last: bool = False, time: float = 0.0) -> Event:
    metrics = {"val_accuracy": epoch / 10}
    return EpochReported(trial=trial, attempt=1, epoch=epoch, last=last, metrics=metrics, time=time)


def ended(state: Any, trial: int = 0) -> Event:
    return TrialEnded(trial=trial, state=state, epochs=2)


def history_of(*events: Event) -> History:
    history = History()
    for event in events:
        history.apply(event)
    return history


def created(seeds: Any = "whole") -> Event:
    return StudyCreated(study="s", format=1, reproducible=True, concurrency=2, seeds=seeds)


def test_a_point_goes_from_waiting_over_running_to_its_outcome() -> None:
    history = history_of(asked())
    (point,) = history.points
    assert (point.state, point.has_ended) == ("WAITING", False)
    history.apply(started())
    assert point.state == "RUNNING"
    history.apply(reported(1))
    history.apply(reported(2, last=True))
    history.apply(TrainingFinished(trial=0, attempt=1, stop_reason="epochs", summary={"p": 1}))
    history.apply(ended("COMPLETE"))
    history.apply(PointEnded(point=0, state="COMPLETE", value=0.2))
    assert (point.state, point.value, point.seeds, point.first_value) == (
        "COMPLETE",
        0.2,
        (0,),
        0.2,
    )
    assert (history.trial_endings, history.point_endings) == ([0], [0])


def test_rows_after_a_stop_are_cut_off() -> None:
    history = history_of(asked(), started(), reported(1), reported(2), reported(3))
    history.apply(TrialStopped(trial=0, epoch=2, by="pruner"))
    trial = history.trials[0]
    assert [row["epoch"] for row in trial.rows] == [1, 2]
    assert (trial.stopped_at, trial.stopped_by) == (2, "pruner")


def test_no_attempt_outlives_its_driver() -> None:
    """A driver that was killed is taken to have lived until its last event."""
    killed = history_of(opened(1, 10.0), asked(), started(), reported(1, time=25.0))
    assert killed.trials[0].is_in_flight
    killed.apply(opened(2, 100.0))
    assert killed.trials[0].attempt.ended_at == 25.0
    assert killed.trials[0].is_idle
    closed = history_of(opened(1, 10.0), asked(), started(), reported(1, time=25.0))
    closed.apply(SessionClosed(session=1, reason="interrupted", time=40.0))
    assert closed.trials[0].attempt.ended_at == 25.0
    assert (closed.sessions[0].closed_at, closed.sessions[0].reason) == (40.0, "interrupted")


def test_a_failure_stays_with_its_attempt_and_is_the_trials_only_if_it_ended_it() -> None:
    history = history_of(asked(), started())
    failure = Failure("node", "lost")
    history.apply(AttemptFailed(trial=0, attempt=1, failure=failure, retry=True))
    trial = history.trials[0]
    assert (trial.training_end, trial.failure, trial.attempt.failure) == ("", None, failure)
    history.apply(started(attempt=2, epochs=1))
    assert (trial.attempt.number, trial.attempt.epochs_before) == (2, 1)
    history.apply(AttemptFailed(trial=0, attempt=2, failure=failure, retry=False))
    history.apply(ended("FAIL"))
    assert (trial.training_end, trial.state, trial.failure) == ("failed", "FAIL", failure)


def test_a_trial_that_is_reopened_takes_its_points_outcome_with_it() -> None:
    history = history_of(created(), asked(), started(), reported(1), ended("COMPLETE"))
    history.apply(PointEnded(point=0, state="COMPLETE", value=0.1))
    history.apply(PointReopened(point=0, trial=0, why="extended"))
    point, trial = history.points[0], history.trials[0]
    assert (point.state, point.value, point.seeds) == ("RUNNING", None, ())
    assert (trial.state, trial.ended_at, trial.attempts_before_reopening) == ("WAITING", None, 1)
    assert trial.epochs == 1, "what it has reported still counts"


def test_with_more_seeds_to_come_a_points_value_stands() -> None:
    history = history_of(asked(), started(), reported(1), ended("COMPLETE"))
    history.apply(PointEnded(point=0, state="COMPLETE", value=0.1))
    history.apply(PointReopened(point=0, trial=None, why="extended"))
    assert (history.points[0].state, history.points[0].value) == ("RUNNING", 0.1)


@pytest.mark.parametrize(("seeds", "state"), [("whole", "COMPLETE"), ("survivors", "RUNNING")])
def test_a_fresh_seed_that_runs_again_opens_its_point_in_older_studies_only(
    seeds: str, state: str
) -> None:
    history = history_of(created(seeds), asked(), started(), reported(1), ended("COMPLETE"))
    history.apply(PointEnded(point=0, state="COMPLETE", value=0.1))
    history.apply(started(trial=1, replicate=1000, kind="confirm"))
    history.apply(ended("FAIL", trial=1))
    history.apply(PointReopened(point=0, trial=1, why="retry"))
    assert history.points[0].state == state
    assert history.trials[1].state == "WAITING"


def test_where_a_worker_runs_and_what_an_epoch_costs_are_known_once_they_are_told() -> None:
    history = history_of(asked(origin="user"), started())
    assert history.user_points == 1
    history.apply(PointCosted(point=0, nominal=7.0))
    placed = AttemptPlaced(
        trial=0, attempt=1, host="h", node="n", pid=3, device="a", device_bytes=8
    )
    history.apply(placed)
    attempt = history.trials[0].attempt
    assert history.points[0].epoch_cost == 7.0
    assert (attempt.host, attempt.node, attempt.pid, attempt.device_bytes) == ("h", "n", 3, 8)


def test_what_is_no_event_has_no_meaning() -> None:
    with pytest.raises(TypeError, match="no meaning"):
        History().apply({"event": "told"})  # type: ignore[arg-type]
