"""The controller on a fake cluster: what runs, who stops, what the sampler hears, and that kills
change nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from study.journal.trials import ENDED_STATES

from ..fake_cluster import Killed, Storage, controller_on, drive, outcome, small_spec
from .studies import (
    PRUNERS,
    RULES,
    extended,
    run_whole,
)


@pytest.mark.parametrize("reproducible", [True, False])
def test_a_study_ends_with_exactly_the_points_it_asks_for(reproducible: bool) -> None:
    controller = controller_on(Storage(), small_spec(reproducible=reproducible))
    drive(controller)
    assert [point.number for point in controller.history.points] == list(range(12))
    assert all(point.state in ENDED_STATES for point in controller.history.points)
    assert {trial.state for trial in controller.history.trials} == {"COMPLETE", "PRUNED"}
    assert controller.is_nothing_left()


@pytest.mark.parametrize("pruner", PRUNERS, ids=lambda pruner: str(pruner["name"]))
@pytest.mark.parametrize(("replicates", "seeds"), [(1, "whole"), (2, "survivors"), (3, "whole")])
def test_a_reproducible_study_is_the_same_whatever_trials_take(
    pruner: dict[str, Any], replicates: int, seeds: str
) -> None:
    runs = [run_whole(seed, pruner=pruner, replicates=replicates, seeds=seeds) for seed in range(4)]
    assert all(run == runs[0] for run in runs[1:])


@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_reproducible_study_does_not_depend_on_how_many_workers_there_really_are(
    concurrency: int,
) -> None:
    assert run_whole(1, workers=1, concurrency=concurrency) == run_whole(
        2, workers=7, concurrency=concurrency
    )


@pytest.mark.parametrize("reproducible", [True, False])
@pytest.mark.parametrize(("replicates", "seeds"), [(1, "whole"), (2, "survivors"), (3, "whole")])
def test_a_kill_after_every_single_write_loses_and_doubles_nothing(
    reproducible: bool, replicates: int, seeds: str
) -> None:
    changes: dict[str, Any] = {"reproducible": reproducible, "replicates": replicates, "points": 6}
    whole = Storage()
    uninterrupted = controller_on(whole, small_spec(**changes), seeds=seeds)
    drive(uninterrupted)
    assert whole.writes > 20
    for die_after in range(1, whole.writes):
        storage, checkpoints = Storage(), dict[int, int]()
        storage.die_after = die_after
        try:
            controller = controller_on(storage, small_spec(**changes), seeds=seeds)
            drive(controller, seed=die_after, checkpoints=checkpoints)
        except Killed:
            storage.die_after = None
        else:
            break  # free-running, a study may have fewer writes than the last one
        before = [event for event in storage.events if event["event"] == "ended"]
        resumed = controller_on(storage, small_spec(**changes))
        drive(resumed, seed=die_after + 1, checkpoints=checkpoints)
        assert [point.number for point in resumed.history.points] == list(range(6))
        ended = Counter(event["trial"] for event in storage.events if event["event"] == "ended")
        assert set(ended.values()) == {1}, "a trial ended twice"
        assert all(
            resumed.history.trials[event["trial"]].state == event["state"] for event in before
        )
        for trial in resumed.history.trials:
            assert [row["epoch"] for row in trial.rows] == list(range(1, trial.epochs + 1))
        if reproducible:
            assert outcome(resumed) == outcome(uninterrupted)


def test_killed_again_and_again_a_study_still_comes_to_its_end() -> None:
    whole = controller_on(Storage(), small_spec())
    drive(whole)
    storage, checkpoints = Storage(), dict[int, int]()
    for seed in range(200):
        storage.die_after = storage.writes + 7
        try:
            controller = controller_on(storage, small_spec())
            drive(controller, seed=seed, checkpoints=checkpoints)
            break
        except Killed:
            continue
    assert outcome(controller) == outcome(whole)


@pytest.mark.parametrize("seeds", RULES)
def test_a_reproducible_study_with_more_seeds_is_the_same_whatever_trials_take_and_however_often_it_is_killed(
    seeds: str,
) -> None:
    whole = outcome(extended(True, seed=0, seeds=seeds))
    assert outcome(extended(True, seed=5, seeds=seeds)) == whole
    assert outcome(extended(True, seed=9, die_every=17, seeds=seeds)) == whole
