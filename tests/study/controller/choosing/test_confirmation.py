"""The confirmation: which points get fresh seeds, and when."""

from __future__ import annotations

from typing import Any

import pytest

from study.controller.next_work import Assignment
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal import extension
from study.journal.extension import reopenings
from study.journal.ranking import fresh_value, points_to_confirm

from ...fake_cluster import Killed, Storage, controller_on, curve, drive, small_spec
from ..studies import fails


def test_confirmation_runs_the_winners_on_fresh_seeds() -> None:
    spec = small_spec(
        confirm={"top": 2, "replicates": 3, "against": "first[0]"},
        first=[{"set": {"optimizer": {"name": "sgd", "lr": 0.001}}}],
    )
    controller = controller_on(Storage(), spec)
    drive(controller)
    confirmed = {trial.point for trial in controller.history.trials if trial.kind == "confirm"}
    assert 0 in confirmed
    assert len(confirmed) in (2, 3)
    seeds = [trial.seed for trial in controller.history.trials if trial.kind == "confirm"]
    assert set(seeds) == {1000, 1001, 1002}


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


def test_a_fresh_seed_that_was_begun_comes_to_its_end_though_its_point_is_outdone_meanwhile() -> (
    None
):
    spec = small_spec(points=3, pruner="none", confirm={"top": 1, "replicates": 2})
    storage = Storage()
    controller = controller_on(storage, spec)
    with pytest.raises(Killed):
        drive(controller, hurt=killed_at_first_fresh_seed)
    begun = controller.history.trials[-1]
    assert (begun.kind, begun.state) == ("confirm", "RUNNING")
    again = controller_on(storage, spec)
    again.add_point({"optimizer.name": "sgd", "optimizer.lr": 0.1})
    drive(again, curve=lambda recipe, epoch: curve(recipe, epoch) | best_if_added(recipe))
    chosen = points_to_confirm(again.history.points, spec, whole_seeds=True)
    assert [point.number for point in chosen] == [3]
    assert {trial.state for trial in again.history.trials} == {"COMPLETE"}
    assert again.is_nothing_left()


def killed_at_first_fresh_seed(assignment: Assignment, epoch: int) -> None:
    if assignment.replicate >= 1000:
        raise Killed


def best_if_added(recipe: dict[str, Any]) -> dict[str, float]:
    return {"val_accuracy": 0.99} if recipe["point"] == 3 else {}


def test_more_epochs_train_the_fresh_seeds_of_the_confirmed_on_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(extension, "_check_checkpoint_kept", lambda *_: None)
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
