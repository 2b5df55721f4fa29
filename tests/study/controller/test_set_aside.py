"""Trials that make way and go on later: nothing is lost, and nothing comes out otherwise."""

from __future__ import annotations

import random
from typing import Any

import pytest

from study.controller.next_work import Assignment
from study.results.attempts import repeated_seconds

from ..fake_cluster import Killed, Storage, controller_on, drive, outcome, small_spec
from .studies import PRUNERS, run_whole


def often(seed: int) -> Any:
    """Sets a third of what goes on aside."""
    chance = random.Random(seed)

    def makes_way(assignment: Assignment, epoch: int) -> bool:
        return chance.random() < 1 / 3

    return makes_way


@pytest.mark.parametrize("pruner", PRUNERS, ids=lambda pruner: pruner["name"])
@pytest.mark.parametrize("seed", range(3))
def test_a_reproducible_study_comes_out_as_if_no_trial_had_made_way(
    pruner: dict[str, Any], seed: int
) -> None:
    changes: dict[str, Any] = {"pruner": pruner, "reproducible": True, "replicates": 2}
    controller = controller_on(Storage(), small_spec(**changes))
    drive(controller, seed=seed, makes_way=often(seed))
    trials = controller.history.trials
    attempts = [attempt for trial in trials for attempt in trial.attempts]
    assert sum(attempt.set_aside is not None for attempt in attempts) > 2
    assert outcome(controller) == run_whole(seed=seed, **changes)


def test_it_is_no_failure_no_retry_and_no_lost_work() -> None:
    spec = small_spec(trial={"retries": {"node": 0, "error": 0}}, stop={"failures": 1})
    controller = controller_on(Storage(), spec)
    drive(controller, makes_way=often(0))
    assert controller.is_nothing_left()
    assert {trial.state for trial in controller.history.trials} <= {"COMPLETE", "PRUNED"}
    assert sum(repeated_seconds(trial) for trial in controller.history.trials) == 0.0


def test_a_study_that_is_killed_again_and_again_meanwhile_loses_no_epoch() -> None:
    changes: dict[str, Any] = {"reproducible": True, "pruner": PRUNERS[1]}
    storage, checkpoints = Storage(), dict[int, int]()
    for session in range(100):
        storage.die_after = storage.writes + 9
        try:
            controller = controller_on(storage, small_spec(**changes))
            drive(controller, seed=session, makes_way=often(session), checkpoints=checkpoints)
            break
        except Killed:
            continue
    storage.die_after = None
    assert session > 3
    assert outcome(controller) == run_whole(**changes)
    rows = [row["epoch"] for trial in controller.history.trials for row in trial.rows]
    reported = [event for event in storage.events if event["event"] == "reported"]
    assert len(reported) >= len(rows)


def test_what_could_start_is_counted_without_starting_it() -> None:
    controller = controller_on(Storage(), small_spec(points=3, replicates=2, pruner="none"))
    assert controller.count_startable() == 3
    first, second = controller.next(), controller.next()
    assert controller.count_startable() == 2
    written = len(controller.history.trials)
    controller.stopping = "interrupted"
    assert controller.count_startable() == 0
    assert len(controller.history.trials) == written
    assert isinstance(first, Assignment)
    assert isinstance(second, Assignment)
