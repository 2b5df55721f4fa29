"""What the sampler is told, and what is proposed ahead."""

from __future__ import annotations

import random
from typing import Any

import pytest

from study.controller.next_work import Assignment
from study.journal.failure import FAILURE_CLASSES, Failure
from study.journal.outcomes import RECIPE_FAULTS

from ..fake_cluster import Killed, Storage, controller_on, curve, drive, outcome, small_spec
from .studies import PRUNERS, RULES, extended, fails, params_in, promised, run_whole

KINDS = [
    kind for kind in FAILURE_CLASSES if kind != "storage"
]  # that one stops the study, and the trial goes on


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes"])
def test_thinking_ahead_changes_nothing_in_a_reproducible_study(sampler: str) -> None:
    changes: dict[str, Any] = {"sampler": sampler, "points": 20}
    if sampler == "cmaes":
        changes["space"] = {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}}}
    thinking = controller_on(Storage(), small_spec(**changes))
    sometimes = random.Random(0)
    drive(thinking, seed=1, thinks=lambda: sometimes.random() < 0.5)
    assert outcome(thinking) == run_whole(2, **changes)


def test_thinking_ahead_records_nothing_and_survives_a_kill() -> None:
    storage, checkpoints = Storage(), dict[int, int]()
    storage.die_after = 25
    with pytest.raises(Killed):
        drive(controller_on(storage, small_spec()), checkpoints=checkpoints, thinks=lambda: True)
    storage.die_after = None
    resumed = controller_on(storage, small_spec())
    written = len(storage.events)
    resumed.think_ahead()
    assert {event["event"] for event in storage.events[written:]} <= {"costed"}, (
        "known of points that were asked"
    )
    drive(resumed, seed=5, checkpoints=checkpoints, thinks=lambda: True)
    assert outcome(resumed) == run_whole(3)


def test_a_free_running_study_thinks_again_once_more_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from study.sampling.proposer import Proposer

    seen: list[int] = []
    propose = Proposer.propose

    def watched(self: Proposer, index: int) -> dict[str, Any]:
        seen.append(sum(trial.state.is_finished() for trial in self.study.trials))
        return propose(self, index)

    monkeypatch.setattr(Proposer, "propose", watched)
    controller = controller_on(
        Storage(), small_spec(reproducible=False, pruner="none", recipe={"epochs": 1})
    )
    first, second = controller.next(), controller.next()
    assert isinstance(first, Assignment)
    assert isinstance(second, Assignment)
    controller.think_ahead()
    controller.think_ahead()
    for assignment in (first, second):
        row = {"epoch": 1, "last": True, **curve(assignment.recipe, 1)}
        controller.reported(assignment.trial, 1, row)
        controller.finished(assignment.trial, 1, "epochs", {})
    controller.think_ahead()
    controller.next()
    assert seen == [0, 0, 0, 0, 4], "the two thought of first and taken back count as finished"
    assert [point.number for point in controller.history.points] == [0, 1, 2]


def test_a_reproducible_study_thinks_ahead_for_every_worker(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from study.sampling.proposer import Proposer

    made: list[int] = []
    propose = Proposer.propose

    def counted(self: Proposer, index: int) -> dict[str, Any]:
        made.append(index)
        return propose(self, index)

    monkeypatch.setattr(Proposer, "propose", counted)
    controller = controller_on(
        Storage(), small_spec(pruner="none", recipe={"epochs": 1}, concurrency=3)
    )
    running = [controller.next() for _ in range(3)]
    for _ in range(5):
        controller.think_ahead()
    assert made == [0, 1, 2, 3, 4, 5]
    for assignment in running:
        assert isinstance(assignment, Assignment)
        row = {"epoch": 1, "last": True, **curve(assignment.recipe, 1)}
        controller.reported(assignment.trial, 1, row)
        controller.finished(assignment.trial, 1, "epochs", {})
    assert all(isinstance(controller.next(), Assignment) for _ in range(3))
    assert made == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("pruner", PRUNERS, ids=lambda pruner: str(pruner["name"]))
def test_the_sampler_is_told_exactly_what_happened(pruner: dict[str, Any]) -> None:
    controller = controller_on(Storage(), small_spec(points=30, pruner=pruner, reproducible=False))
    drive(controller)
    told = controller.population.arms[0].proposer.study.trials
    assert len(told) == 30
    for point, frozen in zip(controller.history.points, told, strict=True):
        assert frozen.state.name == point.state
        rows = point.trials[0].rows
        assert frozen.intermediate_values == {row["epoch"]: row["val_accuracy"] for row in rows}
        if point.state == "COMPLETE":
            assert frozen.value == point.value == rows[-1]["val_accuracy"]


@pytest.mark.parametrize("seeds", RULES)
@pytest.mark.parametrize("reproducible", [True, False])
def test_with_more_seeds_the_sampler_is_told_the_new_mean_in_place_of_the_old(
    reproducible: bool, seeds: str
) -> None:
    controller = extended(reproducible, seed=0, seeds=seeds)
    assert controller.is_nothing_left()
    told = controller.population.arms[0].proposer.study.get_trials(deepcopy=False)
    assert len(told) == 20
    values = {
        tuple(trial.params.values()): trial.value
        for trial in told
        if trial.state.name == "COMPLETE"
    }
    seen = [point for point in controller.history.points if params_in(point.values) in values]
    assert len(seen) >= 12
    for point in seen:
        assert len(point.trials) == 3
        assert values[params_in(point.values)] == point.value


@pytest.mark.parametrize("reproducible", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_the_sampler_keeps_away_from_what_fails_by_itself_and_learns_nothing_from_machines(
    kind: str, reproducible: bool
) -> None:
    hurt = {2, 3, 6, 9, 11}
    controller = controller_on(
        Storage(), small_spec(pruner="none", reproducible=reproducible, points=24)
    )
    proposer, shown = controller.population.arms[0].proposer, set[int]()

    def watched(assignment: Assignment, epoch: int) -> Failure | None:
        shown.update(
            number
            for number in hurt
            if proposer.reported_epochs(number) and controller.history.points[number].value is None
        )
        return fails(kind, hurt, 0, epoch=5)(assignment, epoch)

    drive(controller, hurt=watched)
    assert shown or not reproducible, "in a reproducible study the sampler sees running points"
    for number in hurt:
        told = proposer.storage.get_trial(proposer._trial_id(number))
        if kind in RECIPE_FAULTS:
            name = "fits_in_memory" if kind == "out_of_memory" else "comes_to_its_end"
            assert (told.state.name, told.constraints) == ("PRUNED", {name: 1.0})
            assert told.intermediate_values == {}
        else:
            assert (told.state.name, told.constraints) == ("FAIL", {})
    known = [
        trial
        for trial in proposer.study.trials
        if trial.state.name != "FAIL" or kind not in RECIPE_FAULTS
    ]
    assert len(known) == 24, "what was reported of them before is gone"
    assert proposer._feasibility._have_all_fitted == (kind != "out_of_memory")


def test_of_failures_of_both_kinds_the_recipes_own_counts() -> None:
    def hurt(assignment: Assignment, epoch: int) -> Failure | None:
        kinds = {0: "device", 1: "diverged"}
        own = assignment.point == 0 and epoch == 3 + 2 * (1 - assignment.replicate)
        return Failure(kinds[assignment.replicate], "hurt") if own else None

    controller = controller_on(
        Storage(), small_spec(replicates=2, pruner="none", points=1, reproducible=False)
    )
    drive(controller, hurt=hurt)
    assert {trial.state for trial in controller.history.trials} == {"FAIL"}
    (told,) = controller.population.arms[0].proposer.study.trials
    assert told.constraints == {"comes_to_its_end": 1.0}


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "nsga2", "qmc", "random", "grid"])
def test_every_sampler_goes_on_after_points_that_failed_by_themselves(sampler: str) -> None:
    space: dict[str, Any] = {"optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}}}
    if sampler == "grid":
        space = {
            "optimizer": {"one_of": {"sgd": {"lr": {"choice": [0.001 * 2**n for n in range(16)]}}}}
        }
    spec = small_spec(space=space, sampler=sampler, points=16, pruner="none", replicates=2)
    controller = controller_on(Storage(), spec)
    drive(controller, hurt=fails("diverged", {1, 3, 8}, 1))
    assert [point.number for point in controller.history.points if point.state == "FAIL"] == [
        1,
        3,
        8,
    ]
    again = controller_on(Storage(), spec)
    drive(again, seed=4, workers=3, hurt=fails("diverged", {1, 3, 8}, 1))
    assert promised(again) == promised(controller)
