"""The seeds of a point: whose training is judged, when the others run, and what the point is worth
when all have.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment, NothingLeft, WaitForTrials
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal import extension
from study.journal.extension import reopenings
from study.journal.failure import FAILURE_CLASSES, Failure
from study.journal.outcomes import RECIPE_FAULTS, trial_value
from study.journal.ranking import fresh_value, points_to_confirm
from study.journal.trials import ENDED_STATES, Point

from ..fake_cluster import Killed, Storage, controller_on, curve, drive, small_spec

Hurt = Callable[[Assignment, int], Failure | None]


def fails(failure_class: str, points: set[int], replicate: int, epoch: int = 2) -> Hurt:
    """Failures of one class at an epoch of one replicate of some points, at every attempt."""

    def hurt(assignment: Assignment, at: int) -> Failure | None:
        if assignment.point in points and assignment.replicate == replicate and at == epoch:
            return Failure(failure_class, "hurt")
        return None

    return hurt


def promised(controller: Controller) -> list[tuple[Any, ...]]:
    """What a reproducible study promises: the points and their outcomes, and each's trials up to
    the first that failed.

    Whether those after it have run depends on how long trials take.
    """
    return [
        (point.number, point.values, point.state, point.value, counting(point))
        for point in controller.history.points
    ]


def counting(point: Point) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for replicate, trial in sorted(point.trials.items()):
        found.append((replicate, trial.state, [row["val_accuracy"] for row in trial.rows]))
        if trial.state != "COMPLETE":
            break
    return found


def play(controller: Controller, assignment: Any, epochs: int = 6) -> None:
    """Train an assignment to its end at once."""
    for epoch in range(1, epochs + 1):
        row = {"epoch": epoch, "last": epoch == epochs, **curve(assignment.recipe, epoch)}
        if not controller.reported(assignment.trial, assignment.attempt, row):
            return
    controller.finished(assignment.trial, assignment.attempt, "epochs", {})


@pytest.mark.parametrize("reproducible", [True, False])
@pytest.mark.parametrize("pruner", ["asha", "median", "hyperband"])
def test_the_pruner_judges_the_first_seed_alone_and_the_others_of_a_survivor_run_whole(
    pruner: str, reproducible: bool
) -> None:
    options = {"min_epochs": 1, "reduction": 2} if pruner != "median" else {}
    spec = small_spec(
        points=20, replicates=3, pruner={"name": pruner, **options}, reproducible=reproducible
    )
    controller = controller_on(Storage(), spec)
    drive(controller)
    points = controller.history.points
    assert {point.state for point in points} == {"COMPLETE", "PRUNED"}
    for point in points:
        if point.state == "PRUNED":
            assert [trial.replicate for trial in point.trials.values()] == [0]
            assert point.value is None
            continue
        trials = [point.trials[replicate] for replicate in range(3)]
        assert [(trial.state, trial.epochs) for trial in trials] == [("COMPLETE", 6)] * 3
        assert point.seeds == (0, 1, 2)
        assert point.value == sum(trial_value(trial, spec.objectives[0]) for trial in trials) / 3


def test_under_the_old_rule_every_seed_is_judged_and_a_value_is_the_mean_of_those_left() -> None:
    storage, spec = Storage(), small_spec(points=30, replicates=3)
    controller = controller_on(storage, spec, seeds="survivors")
    drive(controller)
    ranked = [point for point in controller.history.points if point.state == "COMPLETE"]
    partial = [point for point in ranked if len(point.seeds) < 3]
    assert partial, "no seed of a survivor was pruned: the test shows nothing"
    for point in ranked:
        left = [trial_value(point.trials[seed], spec.objectives[0]) for seed in point.seeds]
        assert point.value == sum(left) / len(left)
    again = controller_on(storage, spec)
    assert not again.history.whole_seeds, "a study goes on under the rule that it was begun under"


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


@pytest.mark.parametrize("pruner", ["none", "asha"])
def test_a_seed_that_a_user_stops_makes_its_point_pruned(pruner: str) -> None:
    controller = controller_on(
        Storage(), small_spec(points=1, replicates=3, pruner=pruner, reproducible=False)
    )
    play(controller, controller.next())
    second = controller.next()
    assert isinstance(second, Assignment)
    controller.reported(second.trial, 1, {"epoch": 1, "last": False, **curve(second.recipe, 1)})
    assert controller.stop_trial(second.trial)
    assert isinstance(controller.next(), NothingLeft)
    point = controller.history.points[0]
    assert (point.state, point.value) == ("PRUNED", None)
    assert [(trial.state, trial.epochs) for trial in point.trials.values()] == [
        ("COMPLETE", 6),
        ("PRUNED", 1),
    ]
    (told,) = controller.population.arms[0].proposer.study.trials
    assert told.state.name == "PRUNED"
    assert len(told.intermediate_values) == 6
    assert not told.constraints


KINDS = [
    kind for kind in FAILURE_CLASSES if kind != "storage"
]  # that one stops the study, and the trial goes on


@pytest.mark.parametrize("pruner", ["none", "asha"])
@pytest.mark.parametrize("replicate", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_that_fails_makes_its_point_fail_whatever_trials_take(
    kind: str, replicate: int, pruner: str
) -> None:
    spec, hurt = small_spec(replicates=3, pruner=pruner), fails(kind, {1, 4, 7}, replicate)
    runs = []
    for seed in range(3):
        controller = controller_on(Storage(), spec, keep_going=True)
        drive(controller, seed=seed, workers=2 + seed, hurt=hurt)
        runs.append(promised(controller))
    assert runs[1:] == runs[:1] * 2
    hit = [
        point
        for point in controller.history.points
        if any(trial.failure for trial in point.trials.values())
    ]
    assert hit or pruner == "asha"
    assert all((point.state, point.value, len(point.seeds)) == ("FAIL", None, 0) for point in hit)
    assert all(
        point.state == "COMPLETE"
        for point in controller.history.points
        if pruner == "none" and point not in hit
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("replicate", [0, 1, 2])
def test_with_failing_seeds_a_kill_after_every_write_changes_nothing(
    kind: str, replicate: int
) -> None:
    pruner = "none" if replicate == 1 else "asha"
    spec, hurt = (
        small_spec(replicates=3, points=5, pruner=pruner, recipe={"epochs": 4}),
        fails(kind, {1, 3}, replicate),
    )
    whole = Storage()
    uninterrupted = controller_on(whole, spec, keep_going=True)
    drive(uninterrupted, hurt=hurt)
    for die_after in range(1, whole.writes):
        storage, checkpoints = Storage(), dict[int, int]()
        storage.die_after = die_after
        with pytest.raises(Killed):
            drive(controller_on(storage, spec, keep_going=True), checkpoints=checkpoints, hurt=hurt)
        storage.die_after = None
        resumed = controller_on(storage, spec, keep_going=True)
        drive(resumed, seed=die_after, workers=3, checkpoints=checkpoints, hurt=hurt)
        assert promised(resumed) == promised(uninterrupted)


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


@pytest.mark.parametrize("die_every", [None, 9])
def test_failed_trials_that_run_again_make_their_point_whole(die_every: int | None) -> None:
    spec = small_spec(replicates=3, pruner="none", points=6, reproducible=False)
    storage, checkpoints = Storage(), dict[int, int]()
    controller = controller_on(storage, spec, keep_going=True)
    drive(controller, hurt=fails("error", {2, 4}, 1), checkpoints=checkpoints)
    failed = [trial for trial in controller.history.trials if trial.state == "FAIL"]
    assert len(failed) == 2
    for trial in failed:
        storage.append(
            {
                "event": "reopened",
                "point": trial.point,
                "trial": trial.number,
                "why": "retry",
                "time": 0.0,
            }
        )
    for session in range(50):
        storage.die_after = storage.writes + die_every if die_every else None
        try:
            controller = controller_on(storage, spec, keep_going=True)
            drive(controller, seed=session, checkpoints=checkpoints)
            break
        except Killed:
            continue
    assert controller.is_nothing_left()
    assert all(point.seeds == (0, 1, 2) for point in controller.history.points)
    told = controller.population.arms[0].proposer.study.trials
    assert [trial.state.name for trial in told] == ["COMPLETE"] * 6, (
        "that it once failed is taken back"
    )


def test_a_fresh_seed_that_runs_again_leaves_its_point_alone() -> None:
    spec = small_spec(points=4, pruner="none", confirm={"top": 1, "replicates": 2})
    storage = Storage()
    controller = controller_on(storage, spec)
    drive(controller, hurt=fails("error", set(range(4)), 1001))
    (failed,) = [trial for trial in controller.history.trials if trial.state == "FAIL"]
    value = controller.history.points[failed.point].value
    storage.append(
        {
            "event": "reopened",
            "point": failed.point,
            "trial": failed.number,
            "why": "retry",
            "time": 0.0,
        }
    )
    again = controller_on(storage, spec)
    point = again.history.points[failed.point]
    assert (point.state, point.value) == ("COMPLETE", value)
    drive(again)
    assert again.is_nothing_left()
    assert {trial.state for trial in again.history.trials} == {"COMPLETE"}
    assert (
        sum(event["event"] == "told" and event["point"] == failed.point for event in storage.events)
        == 1
    )


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


@pytest.mark.parametrize("seeds", ["whole", "survivors"])
def test_with_racing_and_failures_a_reproducible_study_is_the_same_whatever_trials_take(
    seeds: str,
) -> None:
    spec = small_spec(replicates=3, pruner="none", racing={"threshold": 0.03}, points=16)
    runs = []
    for seed in range(4):
        controller = controller_on(Storage(), spec, seeds=seeds, keep_going=True)
        drive(controller, seed=seed, workers=1 + seed, hurt=fails("diverged", {0, 3, 6, 9}, 1))
        runs.append(promised(controller))
    assert all(run == runs[0] for run in runs[1:])


@pytest.mark.parametrize("pruner", ["none", "asha"])
@pytest.mark.parametrize("replicates", [2, 3])
def test_more_epochs_train_every_seed_on_and_more_seeds_follow(
    pruner: str, replicates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extension, "check_kept", lambda *_: None)
    old = small_spec(pruner=pruner, replicates=2)
    new = small_spec(pruner=pruner, replicates=replicates, recipe={"epochs": 9})
    runs = []
    for seed in range(3):
        storage, checkpoints = Storage(), dict[int, int]()
        controller = controller_on(storage, old)
        drive(controller, seed=seed, checkpoints=checkpoints)
        paths = StudyPaths(LocalPath("nowhere"), "fake")
        storage.append(
            *(
                {**event.to_record(), "time": 0}
                for event in reopenings(old, new, controller.history, paths)
            )
        )
        controller = controller_on(storage, new)
        drive(controller, seed=seed + 7, workers=2 + seed, checkpoints=checkpoints)
        runs.append(promised(controller))
    assert all(run == runs[0] for run in runs[1:])
    for point in controller.history.points:
        assert point.state in ENDED_STATES
        if point.state == "COMPLETE":
            assert point.seeds == tuple(range(replicates))
            assert {trial.epochs for trial in point.trials.values()} == {9}


@pytest.mark.parametrize(("pruner", "concurrency"), [("patient", 2), ("patient", 4), ("asha", 4)])
def test_extended_after_kills_a_study_goes_on_by_the_same_clock(
    pruner: str, concurrency: int
) -> None:
    """What was proposed before an extension stays on the clock of then, however the journal came to
    be.
    """
    old = small_spec(points=16, pruner=pruner, recipe={"epochs": 5}, concurrency=concurrency)
    new = small_spec(
        points=22, pruner=pruner, recipe={"epochs": 5}, concurrency=concurrency, replicates=2
    )
    runs = []
    for seed in range(8):
        storage, checkpoints, dice = Storage(), dict[int, int](), random.Random(seed)
        for spec in (old, new):
            for _ in range(100):
                storage.die_after = storage.writes + dice.randint(1, 40) if seed else None
                try:
                    controller = controller_on(storage, spec)
                    workers = dice.randint(1, 7)
                    drive(
                        controller,
                        seed=dice.randint(0, 99),
                        workers=workers,
                        jitter=1.5,
                        checkpoints=checkpoints,
                    )
                    break
                except Killed:
                    continue
            storage.die_after = None
            if spec is old:
                events = reopenings(
                    old, new, controller.history, StudyPaths(LocalPath("nowhere"), "fake")
                )
                storage.append(*({**event.to_record(), "time": 0} for event in events))
        runs.append(promised(controller))
    assert all(run == runs[0] for run in runs[1:])


def test_the_confirmation_takes_points_with_all_their_seeds_before_others_and_never_looks_at_fresh_ones() -> (
    None
):
    spec = small_spec(
        replicates=3,
        pruner="none",
        racing={"threshold": 0.001},
        confirm={"top": 3, "replicates": 2},
    )

    def better_fresh(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
        """Seed 0 makes odd points lucky, so that some win the race on it and lose; fresh seeds turn
        the order round.
        """
        row = curve(recipe, epoch)
        lift = 0.2 if recipe["seed"] == 0 and recipe["point"] == 1 else 0
        return row | {
            "val_accuracy": (
                1 - row["val_accuracy"] if recipe["seed"] >= 1000 else row["val_accuracy"] + lift
            )
        }

    controller = controller_on(Storage(), spec)
    drive(controller, curve=better_fresh)
    history = controller.history
    confirmed = {trial.point for trial in history.trials if trial.kind == "confirm"}
    whole = sorted(
        (-point.value, point.number) for point in history.points if len(point.seeds) == 3
    )
    part = sorted((-point.value, point.number) for point in history.points if len(point.seeds) < 3)
    assert confirmed == {number for _, number in [*whole, *part][:3]}
    assert part[0] < whole[-1], (
        "no point that was raced out has the better value: the test shows nothing"
    )
    old = points_to_confirm(history.points, spec, whole_seeds=False)
    assert [point.number for point in old] == [number for _, number in sorted([*whole, *part])[:3]]


def test_more_epochs_train_the_fresh_seeds_of_the_confirmed_on_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extension, "check_kept", lambda *_: None)
    confirm = {"top": 2, "replicates": 2}
    old = small_spec(pruner="none", confirm=confirm)
    new = small_spec(pruner="none", confirm=confirm, recipe={"epochs": 9})
    storage, checkpoints = Storage(), dict[int, int]()
    controller = controller_on(storage, old)
    drive(controller, checkpoints=checkpoints)
    before = {
        point.number for point in controller.history.points if fresh_value(point, old) is not None
    }
    assert len(before) == 2
    events = reopenings(old, new, controller.history, StudyPaths(LocalPath("nowhere"), "fake"))
    storage.append(*({**event.to_record(), "time": 0} for event in events))
    controller = controller_on(storage, new)
    assert not controller.is_nothing_left()
    drive(controller, seed=3, checkpoints=checkpoints)
    assert controller.is_nothing_left()
    chosen = points_to_confirm(controller.history.points, new, whole_seeds=True)
    assert {
        point.number for point in controller.history.points if fresh_value(point, new) is not None
    } == {point.number for point in chosen}
    for point in chosen:
        assert {trial.epochs for trial in point.trials.values()} == {9}
