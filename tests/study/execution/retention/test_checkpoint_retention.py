"""What ``keep_checkpoints`` leaves of ended trials, on the fake cluster with real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.execution.retention import checkpoint_retention as retention
from study.execution.retention.checkpoint_retention import CheckpointRetention
from study.files.atomic import make_folder
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.failure import Failure
from study.journal.ranking import best_point, points_to_confirm
from study.journal.trials import Point, Trial

from ...fake_cluster import Curve, Storage, controller_on, curve, drive, small_spec


class Shelf(dict[int, int]):
    """The newest epoch of each trial, and on disk its two newest checkpoints, as a worker leaves
    them.
    """

    def __init__(self, paths: StudyPaths, controller: Controller) -> None:
        self.paths = paths
        self.controller = controller

    def __setitem__(self, number: int, epoch: int) -> None:
        super().__setitem__(number, epoch)
        trial = self.controller.history.trials[number]
        folder = self.paths.checkpoints(trial.point, trial.replicate)
        make_folder(folder)
        (folder / f"attempt-0001-epoch-{epoch:06d}.ckpt").write_bytes(b"x")
        for old in sorted(folder.iterdir())[:-2]:
            old.unlink()
        kept = self.paths.kept(trial.point, trial.replicate)
        make_folder(kept / "adapter")
        (kept / "adapter" / "weights").write_text("kept by its training function")


def left(paths: StudyPaths, trial: Trial) -> list[int]:
    """The epochs of a trial that have a checkpoint."""
    folder = paths.checkpoints(trial.point, trial.replicate)
    return sorted(int(path.stem[-6:]) for path in folder.iterdir()) if folder.exists() else []


Look = Callable[[StudyPaths, Controller], None]


def run(
    folder: Path,
    keep: str,
    curve: Curve = curve,
    look: Look = lambda paths, controller: None,
    **changes: Any,
) -> tuple[StudyPaths, Controller]:
    """A study that is swept after each epoch, as a driver does, and looked at, and at its end."""
    spec = small_spec(keep_checkpoints=keep, **changes)
    paths, controller = StudyPaths(LocalPath(folder), "fake"), controller_on(Storage(), spec)
    retention = CheckpointRetention(spec, paths)

    def sweep(assignment: Assignment, epoch: int) -> dict[str, Any] | None:
        retention.remove_unneeded(controller.history)
        running = [
            trial for trial in controller.history.trials if trial.is_in_flight and trial.epochs
        ]
        assert all(left(paths, trial)[-1] >= trial.epochs for trial in running), (
            "a running trial lost its checkpoint"
        )
        look(paths, controller)
        return Failure("error", "mine") if assignment.point == 0 and epoch == 3 else None

    drive(controller, checkpoints=Shelf(paths, controller), hurt=sweep, curve=curve)
    retention.remove_everything_unneeded(controller.history)
    return paths, controller


@pytest.mark.parametrize("replicates", [1, 2])
@pytest.mark.parametrize("keep", ["best", "last", "all", "none"])
def test_ended_trials_keep_what_the_study_file_says(
    tmp_path: Path, keep: str, replicates: int
) -> None:
    paths, controller = run(tmp_path, keep, replicates=replicates)
    history = controller.history
    best = best_point(history.points, controller.spec, whole_seeds=True)
    assert best is not None
    assert {trial.state for trial in history.trials} == {"COMPLETE", "PRUNED", "FAIL"}
    for trial in history.trials:
        kept = paths.kept(trial.point, trial.replicate) / "adapter" / "weights"
        assert kept.exists() == bool(left(paths, trial)), "what was kept goes with the weights"
        newest = {"COMPLETE": 6, "PRUNED": trial.epochs, "FAIL": 2}[trial.state]
        found = left(paths, trial)
        if keep == "none" or (
            keep == "best" and (trial.point, trial.state) != (best.number, "COMPLETE")
        ):
            assert found == []
        elif keep == "all":
            assert found[-1] >= newest
            assert len(found) == min(2, found[-1])
        else:
            assert len(found) == 1
            assert found[-1] >= newest  # a trial that was stopped late has run on


def turned_by_fresh_seeds(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
    """On fresh seeds the later points are the better ones."""
    row = curve(recipe, epoch)
    return row | ({"val_accuracy": 0.01 * recipe["point"]} if recipe["seed"] >= 1000 else {})


def has_weights(paths: StudyPaths, point: Point, kind: str) -> bool:
    trials = [
        trial for trial in point.trials.values() if trial.kind == kind and trial.state == "COMPLETE"
    ]
    return all(left(paths, trial) for trial in trials)


@pytest.mark.parametrize("levels", [1, 2])
def test_what_is_confirmed_keeps_its_weights_from_the_search_on_whatever_fresh_seeds_say(
    tmp_path: Path, levels: int
) -> None:
    seen: set[int] = set()

    def look(paths: StudyPaths, controller: Controller) -> None:
        points, spec = controller.history.points, controller.spec
        fresh = [trial for trial in controller.history.trials if trial.kind == "confirm"]
        seen.add(len(fresh))
        confirmed = {trial.point for trial in fresh}
        if controller.population.open_points or not controller.is_all_asked:
            return
        confirmed.update(
            point.number for point in points_to_confirm(points, spec, whole_seeds=True)
        )
        for number in confirmed:
            assert has_weights(paths, points[number], "search")
            assert has_weights(paths, points[number], "confirm")

    study: dict[str, Any] = {
        "replicates": 2,
        "confirm": {"top": 3, "replicates": 2, "against": "first[0]"},
        "first": [{"set": {"optimizer": {"name": "sgd", "lr": 0.5}}}],
        "points": 14,
        "pruner": "none",
    }
    if levels == 2:
        study |= {
            "mode": "method-study",
            "roles": {"scientific": ["optimizer.name"], "nuisance": ["optimizer.lr"]},
        }
    paths, controller = run(tmp_path, "best", turned_by_fresh_seeds, look, **study)
    history = controller.history
    assert max(seen) > 2, "nothing was looked at between the search's end and the last fresh seed"
    assert 0 in seen
    best = best_point(history.points, controller.spec, whole_seeds=True)
    confirmed = {trial.point for trial in history.trials if trial.kind == "confirm"}
    assert best is not None
    assert best.number in confirmed
    searched = max(
        (point for point in history.points if point.value), key=lambda point: point.value
    )
    assert best is not searched, "fresh seeds have not turned the order: the test shows nothing"
    for trial in history.trials:
        assert bool(left(paths, trial)) == (trial.point in confirmed and trial.state == "COMPLETE")


def test_sweeping_looks_at_what_is_new_and_not_at_every_point_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    points_to_keep = retention.points_to_keep

    def counted(points: list[Point], *others: Any) -> list[Point]:
        looked.append(len(points))
        return points_to_keep(points, *others)

    monkeypatch.setattr(retention, "points_to_keep", counted)
    spec = small_spec(
        points=300, recipe={"epochs": 1}, pruner="none", sampler="random", confirm={"top": 2}
    )
    controller = controller_on(Storage(), spec)
    swept = CheckpointRetention(spec, StudyPaths(LocalPath(tmp_path), "fake"))

    def sweep(assignment: Assignment, epoch: int) -> None:
        swept.remove_unneeded(controller.history)

    drive(controller, hurt=sweep)
    assert len(looked) >= 300
    assert sum(looked) < 6 * len(looked)


def test_one_that_had_to_make_way_comes_back_when_the_best_has_fallen(tmp_path: Path) -> None:
    """While all points get a further seed, the old values stand, and so do the weights, until the
    new ones are told.
    """
    old = small_spec(points=6, pruner="none", reproducible=False)
    new = small_spec(points=6, pruner="none", reproducible=False, replicates=2)
    storage, paths = Storage(), StudyPaths(LocalPath(tmp_path), "fake")
    controller = controller_on(storage, old)
    drive(controller, checkpoints=Shelf(paths, controller))
    order = sorted(controller.history.points, key=lambda point: -point.value)
    storage.append(
        *(
            {"event": "reopened", "point": n, "trial": None, "why": "extended", "time": 0.0}
            for n in range(6)
        )
    )

    def regressing(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
        worse = recipe["seed"] == 1 and recipe["point"] == order[0].number
        return curve(recipe, epoch) | ({"val_accuracy": 0.0} if worse else {})

    controller = controller_on(storage, new)
    swept = CheckpointRetention(new, paths)

    def sweep(assignment: Assignment, epoch: int) -> None:
        swept.remove_unneeded(controller.history)

    drive(controller, curve=regressing, hurt=sweep, checkpoints=Shelf(paths, controller))
    swept.remove_unneeded(controller.history)
    best = best_point(controller.history.points, new, whole_seeds=True)
    assert best is not None
    assert best.number != order[0].number
    kept = {trial.point for trial in controller.history.trials if left(paths, trial)}
    assert kept == {best.number}


def test_the_newest_checkpoint_is_the_one_of_the_highest_number(tmp_path: Path) -> None:
    names = ["attempt-0001-epoch-999999.ckpt", "attempt-0001-epoch-1000000.ckpt", "mine.ckpt"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    retention._remove_all_but_newest(LocalPath(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
