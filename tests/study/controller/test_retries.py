"""Which failed attempts are tried again, and with what changed."""

from __future__ import annotations

from typing import Any

import pytest

from study.journal.failure import Failure

from ..fake_cluster import Storage, controller_on, drive, small_spec


def test_running_out_of_memory_is_retried_with_twice_the_accumulation_and_then_told_as_infeasible() -> (
    None
):
    def hurt(assignment: Any, epoch: int) -> Failure | None:
        if assignment.point == 3:
            return Failure("out_of_memory", "full")
        return None

    storage = Storage()
    controller = controller_on(storage, small_spec())
    drive(controller, hurt=hurt)
    trial = controller.history.points[3].trials[0]
    assert [attempt.substitutions for attempt in trial.attempts] == [{}, {"accumulation": 2}]
    assert (trial.state, trial.failure and trial.failure.failure_class) == ("FAIL", "out_of_memory")
    frozen = controller.population.arms[0].proposer.study.trials[3]
    assert frozen.state.name == "PRUNED"
    assert frozen.constraints == {"fits_in_memory": 1.0}


def test_a_lost_node_does_not_count_against_a_trial_but_an_error_ends_it() -> None:
    failures = {2: "node", 5: "error"}

    def hurt(assignment: Any, epoch: int) -> Failure | None:
        if assignment.attempt <= 3 and epoch == 2 and assignment.point in failures:
            return Failure(failures[assignment.point], "gone")
        return None

    controller = controller_on(Storage(), small_spec(pruner="none"))
    drive(controller, hurt=hurt)
    assert controller.history.points[2].state == "COMPLETE"
    assert len(controller.history.points[2].trials[0].attempts) == 4
    assert controller.history.points[5].state == "FAIL"


def test_a_gpu_that_fails_costs_neither_its_trial_nor_the_study() -> None:
    def hurt(assignment: Any, epoch: int) -> Failure | None:
        if assignment.attempt <= 2 and epoch == 1:
            return Failure("device", "GPU is lost")
        return None

    controller = controller_on(Storage(), small_spec(pruner="none"))
    drive(controller, hurt=hurt)
    assert not controller.stopping
    assert {point.state for point in controller.history.points} == {"COMPLETE"}
    assert {len(trial.attempts) for trial in controller.history.trials} == {3}


def test_a_trial_that_breaks_the_gpus_context_wherever_it_runs_is_to_blame_itself() -> None:
    def hurt(assignment: Any, epoch: int) -> Failure | None:
        if assignment.point == 2:
            return Failure("device", "an illegal memory access", {"context_lost": True})
        return None

    controller = controller_on(Storage(), small_spec(pruner="none"))
    drive(controller, hurt=hurt)
    trial = controller.history.points[2].trials[0]
    assert len(trial.attempts) == 4
    assert trial.failure is not None
    assert trial.failure.failure_class == "error"


@pytest.mark.parametrize(("node_alive", "state"), [(True, "FAIL"), (False, "COMPLETE")])
def test_a_process_that_dies_at_one_place_again_and_again_is_the_trials_own_fault_but_a_node_is_not(
    node_alive: bool, state: str
) -> None:
    def hurt(assignment: Any, epoch: int) -> Failure | None:
        if assignment.point == 2 and assignment.attempt <= 6 and epoch == 1:
            return Failure("node", "gone", {"node_alive": node_alive})
        return None

    controller = controller_on(Storage(), small_spec(pruner="none"))
    drive(controller, hurt=hurt)
    trial = controller.history.points[2].trials[0]
    assert trial.state == state
    assert len(trial.attempts) == (4 if node_alive else 7)


@pytest.mark.parametrize(("rule", "attempts"), [("accumulation < 2", 1), ("accumulation < 4", 2)])
def test_no_retry_breaks_a_rule_of_the_study(rule: str, attempts: int) -> None:
    def hurt(assignment: Any, epoch: int) -> Failure | None:
        return Failure("out_of_memory", "full") if assignment.point == 3 else None

    controller = controller_on(Storage(), small_spec(require=rule))
    drive(controller, hurt=hurt)
    assert len(controller.history.points[3].trials[0].attempts) == attempts
