"""Which replicate a point needs next, and what it comes to."""

from __future__ import annotations

import pytest

from study.controller.next_work import Assignment, NothingLeft, WaitForTrials
from study.errors import JournalDamaged
from study.journal.failure import Failure
from study.journal.outcomes import trial_value

from ..fake_cluster import Storage, controller_on, drive, outcome, small_spec
from .studies import RULES, play


@pytest.mark.parametrize("seeds", RULES)
def test_a_point_whose_first_replicate_is_pruned_starts_no_other(seeds: str) -> None:
    controller = controller_on(Storage(), small_spec(replicates=2), seeds=seeds)
    drive(controller)
    pruned = [point for point in controller.history.points if point.state == "PRUNED"]
    assert pruned
    assert all(list(point.trials) == [0] for point in pruned)


@pytest.mark.parametrize("seeds", RULES)
def test_racing_starts_no_further_replicate_of_a_point_that_clearly_loses(seeds: str) -> None:
    spec = small_spec(replicates=3, pruner="none", racing={"threshold": 0.05})
    controller = controller_on(Storage(), spec, seeds=seeds)
    drive(controller)
    counts = {len(point.trials) for point in controller.history.points}
    assert 1 in counts
    assert 3 in counts
    again = controller_on(Storage(), spec, seeds=seeds)
    drive(again, seed=9)
    assert outcome(again) == outcome(controller)


def test_replicates_share_their_seeds_and_a_point_is_worth_their_mean() -> None:
    controller = controller_on(Storage(), small_spec(replicates=3, pruner="none"))
    drive(controller)
    for point in controller.history.points:
        assert [trial.seed for _, trial in sorted(point.trials.items())] == [0, 1, 2]
        assert point.value == pytest.approx(
            sum(t.rows[-1]["val_accuracy"] for t in point.trials.values()) / 3
        )


def test_with_a_pruner_the_other_seeds_wait_for_the_first_and_then_start_at_once() -> None:
    controller = controller_on(Storage(), small_spec(points=1, replicates=4))
    first = controller.next()
    assert isinstance(controller.next(), WaitForTrials)
    play(controller, first)
    rest = [controller.next() for _ in range(3)]
    assert [one.replicate for one in rest if isinstance(one, Assignment)] == [1, 2, 3]


def test_without_a_pruner_all_seeds_start_at_once() -> None:
    controller = controller_on(Storage(), small_spec(points=2, replicates=3, pruner="none"))
    started = [controller.next() for _ in range(6)]
    places = [(one.point, one.replicate) for one in started if isinstance(one, Assignment)]
    assert places == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def test_no_further_seed_starts_after_one_has_failed_and_those_that_run_go_on_to_their_end() -> (
    None
):
    controller = controller_on(Storage(), small_spec(points=1, replicates=4))
    play(controller, controller.next())
    second, third = controller.next(), controller.next()
    assert isinstance(second, Assignment)
    controller.failed(second.trial, 1, Failure("diverged", "nan"))
    assert isinstance(controller.next(), WaitForTrials)
    assert controller.history.points[0].state == "RUNNING"
    play(controller, third)
    assert isinstance(controller.next(), NothingLeft)
    point = controller.history.points[0]
    assert (point.state, point.value) == ("FAIL", None)
    assert [trial.state for trial in point.trials.values()] == ["COMPLETE", "FAIL", "COMPLETE"]


def test_a_point_that_is_raced_out_is_worth_the_mean_of_what_it_ran() -> None:
    spec = small_spec(replicates=3, pruner="none", racing={"threshold": 0.05}, points=20)
    controller = controller_on(Storage(), spec)
    drive(controller)
    assert {point.state for point in controller.history.points} == {"COMPLETE"}
    assert {len(point.seeds) for point in controller.history.points} >= {1, 3}
    for point in controller.history.points:
        values = [trial_value(point.trials[seed], spec.objectives[0]) for seed in point.seeds]
        assert point.seeds == tuple(range(len(values)))
        assert point.value == sum(values) / len(values)


def test_a_point_of_a_level_that_there_is_not_is_damage() -> None:
    storage = Storage()
    drive(controller_on(storage, small_spec()))
    asked = next(event for event in storage.events if event["event"] == "asked")
    asked["level"] = 7
    with pytest.raises(JournalDamaged, match="one of the study's 1 levels; its record says 7"):
        controller_on(storage, small_spec())
