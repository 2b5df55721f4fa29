"""A study whose trials train a function of the user's own, of which no row says that it is the last."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.errors import UserError
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.extension import check_extension, reopenings
from study.journal.failure import Failure
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec

from ..fake_cluster import Killed, Storage, controller_on

PLAIN = {"nominal_cost": lambda config: 1.0}


def own_spec(**changes: Any) -> StudySpec:
    tree: dict[str, Any] = {
        "study": "own",
        "train": "module:function",
        "objective": {"metric": "score", "direction": "maximize"},
        "points": 16,
        "concurrency": 3,
        "pruner": {"name": "asha", "min_epochs": 1, "reduction": 2},
        "space": {"lr": {"log": [1e-3, 1]}},
    }
    return spec_from_tree(tree | changes)


def score(assignment: Assignment, epoch: int) -> float:
    return float(assignment.recipe["lr"]) * (1 + epoch / 10)


def drive(
    controller: Controller, length: Callable[[Assignment], int], seed: int, rows: dict[int, int]
) -> None:
    """Run a study on workers of random speed; what is on disk of each trial is in ``rows``.

    A function ends a random while after its last report, which nobody knows to be the last.
    """
    clock = random.Random(seed)
    running: list[tuple[float, int, Assignment, int]] = []
    now, order = 0.0, 0
    while True:
        while len(running) < 3 and isinstance(work := controller.next(), Assignment):
            order += 1
            first = min(rows.get(work.trial, 0), work.epochs_reported) + 1
            heapq.heappush(running, (now + clock.lognormvariate(0, 1), order, work, first))
        if not running:
            return
        now, _, work, epoch = heapq.heappop(running)
        if not controller.is_wanted(work.trial, work.attempt):
            continue
        if epoch > length(work):
            controller.finished(work.trial, work.attempt, "returned", {})
            continue
        rows[work.trial] = max(epoch, rows.get(work.trial, 0))
        row = {"epoch": epoch, "last": False, "seconds": now, "score": score(work, epoch)}
        if controller.reported(work.trial, work.attempt, row):
            order += 1
            heapq.heappush(running, (now + clock.lognormvariate(0, 1), order, work, epoch + 1))


def outcome(controller: Controller) -> list[Any]:
    return [
        (point.values, point.state, point.value, [t.epochs for t in point.trials.values()])
        for point in controller.history.points
    ]


LENGTHS: dict[str, tuple[dict[str, Any], Callable[[Assignment], int]]] = {
    "known": ({"recipe": {"epochs": 5}}, lambda work: 5),
    "at most": ({"max_epochs": 5}, lambda work: 3 + work.point % 3),
    "unknown": ({}, lambda work: 3 + work.point % 3),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_points_stops_and_metrics_depend_on_no_workers_speed(name: str) -> None:
    changes, length = LENGTHS[name]
    outcomes = []
    for seed in range(8):
        controller = controller_on(Storage(), own_spec(**changes), **PLAIN)
        drive(controller, length, seed, {})
        outcomes.append(outcome(controller))
    assert all(each == outcomes[0] for each in outcomes)
    states = [state for _, state, _, _ in outcomes[0]]
    assert {"COMPLETE", "PRUNED"} == set(states)


@pytest.mark.parametrize("name", LENGTHS)
def test_killed_and_resumed_it_equals_the_uninterrupted_one(name: str) -> None:
    changes, length = LENGTHS[name]
    whole = controller_on(Storage(), own_spec(**changes), **PLAIN)
    drive(whole, length, 0, {})
    storage, rows = Storage(), dict[int, int]()
    for session in range(400):
        storage.die_after = storage.writes + 7
        try:
            controller = controller_on(storage, own_spec(**changes), **PLAIN)
            drive(controller, length, session, rows)
            break
        except Killed:
            continue
    assert outcome(controller) == outcome(whole)


@pytest.mark.parametrize("name", ["known", "unknown"])
@pytest.mark.parametrize("reproducible", [True, False])
def test_a_trial_that_does_its_last_epoch_is_complete(name: str, reproducible: bool) -> None:
    changes, length = LENGTHS[name]
    for seed in range(5):
        spec = own_spec(reproducible=reproducible, sampler="random", **changes)
        controller = controller_on(Storage(), spec, **PLAIN)
        drive(controller, length, seed, {})
        for trial in controller.history.trials:
            if trial.state == "PRUNED":
                point = controller.history.points[trial.point]
                assert trial.epochs < (5 if name == "known" else 3 + point.number % 3)


def test_a_worker_is_told_the_function_its_config_and_its_seed() -> None:
    controller = controller_on(Storage(), own_spec(recipe={"epochs": 5}), **PLAIN)
    work = controller.next()
    assert isinstance(work, Assignment)
    assert (work.train, work.seed, work.epochs) == ("module:function", 0, 5)
    assert work.recipe.keys() == {"epochs", "lr"}


def test_a_first_report_without_the_objective_stops_the_study_and_leaves_the_trial_to_be_done() -> (
    None
):
    storage = Storage()
    controller = controller_on(storage, own_spec(), **PLAIN)
    work = controller.next()
    assert isinstance(work, Assignment)
    row = {"epoch": 1, "last": False, "seconds": 1.0, "iou": 0.5, "loss": 1.0}
    assert not controller.reported(work.trial, work.attempt, row)
    assert controller.stopping == "mistake"
    assert (
        "the objective score must be among the metrics; reported: iou, loss" in controller.mistake
    )
    resumed = controller_on(storage, own_spec(), **PLAIN)
    again = resumed.next()
    assert isinstance(again, Assignment)
    assert (again.trial, again.attempt) == (work.trial, 2)


def test_a_later_report_without_it_is_the_trials_own_fault() -> None:
    controller = controller_on(Storage(), own_spec(pruner="none"), **PLAIN)
    work = controller.next()
    assert isinstance(work, Assignment)
    row = {"epoch": 1, "last": False, "seconds": 1.0, "score": 0.5}
    assert controller.reported(work.trial, work.attempt, row)
    assert not controller.reported(work.trial, work.attempt, {"epoch": 2, "seconds": 2.0})
    trial = controller.history.trials[work.trial]
    assert trial.failure is not None
    assert (trial.state, trial.failure.failure_class) == ("FAIL", "invalid")
    assert not controller.stopping


@pytest.mark.parametrize(("retries", "attempts"), [({}, 1), ({"out_of_memory": 2}, 3)])
def test_out_of_memory_is_told_at_once_unless_the_file_says_otherwise(
    retries: dict[str, int], attempts: int
) -> None:
    spec = own_spec(pruner="none", trial={"retries": retries})
    controller = controller_on(Storage(), spec, **PLAIN)
    for attempt in range(1, attempts + 1):
        work = controller.next()
        assert isinstance(work, Assignment)
        assert (work.trial, work.attempt) == (0, attempt)
        controller.failed(0, attempt, Failure("out_of_memory", "full"))
    assert controller.history.points[0].state == "FAIL"
    assert controller.history.trials[0].attempt.substitutions == {}


def test_more_epochs_may_be_asked_of_a_config_that_has_its_length() -> None:
    controller = controller_on(Storage(), own_spec(recipe={"epochs": 5}), **PLAIN)
    drive(controller, lambda work: 5, 0, {})
    reasons = {trial.stop_reason for trial in controller.history.trials if trial.training_end}
    assert reasons == {"epochs"}, "so that they may train on"
    before = own_spec(recipe={"epochs": 5})
    check_extension(before, own_spec(recipe={"epochs": 8}), controller.history)
    with pytest.raises(UserError, match="epochs: can only grow"):
        check_extension(before, own_spec(recipe={"epochs": 3}), controller.history)
    with pytest.raises(UserError, match=r"width: None -> 3"):
        check_extension(before, own_spec(recipe={"epochs": 5, "width": 3}), controller.history)


def test_a_function_of_unknown_length_just_returns() -> None:
    controller = controller_on(Storage(), own_spec(), **PLAIN)
    drive(controller, lambda work: 3, 0, {})
    complete = [trial for trial in controller.history.trials if trial.state == "COMPLETE"]
    assert {trial.stop_reason for trial in complete} == {"returned"}


def test_trials_that_did_their_epochs_are_reopened_for_more(tmp_path: Path) -> None:
    spec = own_spec(recipe={"epochs": 5}, pruner="none", keep_checkpoints="last", points=2)
    controller = controller_on(Storage(), spec, **PLAIN)
    drive(controller, lambda work: 5, 0, {})
    paths = StudyPaths(LocalPath(tmp_path), "own")
    for point in controller.history.points:
        folder = tmp_path / "own" / "trials" / f"{point.number:05d}.0" / "checkpoints"
        folder.mkdir(parents=True)
        (folder / "attempt-0001-epoch-000005.ckpt").write_text("")
    longer = own_spec(recipe={"epochs": 8}, pruner="none", keep_checkpoints="last", points=2)
    reopened = reopenings(spec, longer, controller.history, paths)
    assert [(event.trial, event.why) for event in reopened] == [(0, "extended"), (1, "extended")]
