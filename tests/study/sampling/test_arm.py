"""The arms of a study: their points, and who decides on their trials."""

from __future__ import annotations

from typing import Any

from study.sampling.arm import PrunerQueue, make_arms
from study.sampling.pruning import make_pruner

from ..fake_cluster import small_spec


def method_spec(**changes: Any) -> Any:
    return small_spec(
        mode="method-study",
        roles={"scientific": ["optimizer.name"], "nuisance": ["optimizer.lr"]},
        **changes,
    )


def test_a_search_is_one_arm_and_a_method_study_has_one_for_each_level() -> None:
    (search,) = make_arms(small_spec(), by_number=True)
    assert (search.number, search.level, search.points) == (0, {}, [])
    arms = make_arms(method_spec(), by_number=True)
    assert [arm.number for arm in arms] == [0, 1]
    assert [arm.level for arm in arms] == [{"optimizer.name": "sgd"}, {"optimizer.name": "adam"}]


def test_an_arm_proposes_points_of_its_own_level() -> None:
    for arm in make_arms(method_spec(), by_number=True):
        values = arm.proposer.propose(0)
        assert values["optimizer.name"] == arm.level["optimizer.name"]


def test_each_replicate_number_has_a_queue_of_its_own_with_all_the_arms_points() -> None:
    (arm,) = make_arms(small_spec(), by_number=True)
    arm.points += [0, 2, 5]
    first = arm.pruner_queue(0)
    assert first.pending == [0, 1, 2]
    arm.points.append(6)
    assert arm.pruner_queue(0) is first
    assert first.pending == [0, 1, 2, 3]
    assert arm.pruner_queue(1) is not first
    assert arm.pruner_queue(1).pending == [0, 1, 2, 3]


def test_a_trial_that_ended_is_pending_again_once_it_runs_on() -> None:
    spec = small_spec()
    queue = PrunerQueue(make_pruner(spec.pruner, spec.objectives, 6, by_number=True))
    queue.enter_up_to(4)
    queue.pending.remove(1)
    queue.enter_up_to(4)
    assert queue.pending == [0, 2, 3], "it is entered once"
    queue.reenter(1)
    queue.reenter(1)
    assert queue.pending == [0, 1, 2, 3]
    assert queue.decided_epoch(1) == 0
