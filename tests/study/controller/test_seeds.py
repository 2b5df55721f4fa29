"""The seeds of a point: whose training is judged, when the others run, and what the point is worth
when all have.
"""

from __future__ import annotations

import random

import pytest

from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal import extension
from study.journal.extension import reopenings
from study.journal.failure import FAILURE_CLASSES
from study.journal.outcomes import trial_value
from study.journal.trials import ENDED_STATES

from ..fake_cluster import Killed, Storage, controller_on, drive, small_spec
from .studies import (
    fails,
    promised,
)


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


KINDS = [
    kind for kind in FAILURE_CLASSES if kind != "storage"
]  # that one stops the study, and the trial goes on


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
    monkeypatch.setattr(extension, "_check_checkpoint_kept", lambda *_: None)
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
