"""How trials and points come to their outcomes."""

from __future__ import annotations

import pytest

from study.controller.next_work import Assignment, NothingLeft
from study.journal.failure import FAILURE_CLASSES

from ..fake_cluster import Killed, Storage, controller_on, curve, drive, small_spec
from .studies import fails, play, promised

KINDS = [
    kind for kind in FAILURE_CLASSES if kind != "storage"
]  # that one stops the study, and the trial goes on


@pytest.mark.parametrize("reproducible", [True, False])
@pytest.mark.parametrize("epochs", [0, 1])
def test_a_user_stops_a_trial_wherever_it_stands(epochs: int, reproducible: bool) -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec(reproducible=reproducible, points=3))
    assignment = controller.next()
    assert isinstance(assignment, Assignment)
    for epoch in range(1, epochs + 1):
        row = curve(assignment.recipe, epoch)
        controller.reported(assignment.trial, 1, {"epoch": epoch, "last": False, **row})
    assert controller.stop_trial(assignment.trial)
    trial = controller.history.trials[assignment.trial]
    assert (trial.state, trial.stopped_by, trial.epochs) == ("PRUNED", "user", epochs)
    assert [event["event"] for event in storage.events[-3:]] == ["stopped", "ended", "told"]
    assert not controller.stop_trial(assignment.trial), "it has ended"
    drive(controller)
    assert controller.is_nothing_left()


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
