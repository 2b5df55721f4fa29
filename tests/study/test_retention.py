"""What ``keep_checkpoints`` leaves of ended trials, on the fake cluster with real files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.conductor import Assignment, Conductor
from study.files import make_folder
from study.paths import StudyPaths
from study.ranking import best_point
from study.records import Trial
from study.retention import Retention

from .fake_cluster import Storage, conductor_on, drive, small_spec


class Shelf(dict[int, int]):
    """The newest epoch of each trial, and on disk its two newest checkpoints, as a worker leaves them."""

    def __init__(self, paths: StudyPaths, conductor: Conductor) -> None:
        self.paths = paths
        self.conductor = conductor

    def __setitem__(self, number: int, epoch: int) -> None:
        super().__setitem__(number, epoch)
        trial = self.conductor.history.trials[number]
        folder = self.paths.checkpoints(trial.point, trial.replicate)
        make_folder(folder)
        (folder / f"attempt-0001-epoch-{epoch:06d}.ckpt").write_bytes(b"x")
        for old in sorted(folder.iterdir())[:-2]:
            old.unlink()


def left(paths: StudyPaths, trial: Trial) -> list[int]:
    """The epochs of a trial that have a checkpoint."""
    folder = paths.checkpoints(trial.point, trial.replicate)
    return sorted(int(path.stem[-6:]) for path in folder.iterdir()) if folder.exists() else []


def run(folder: Path, keep: str, **changes: Any) -> tuple[StudyPaths, Conductor]:
    """A study that is swept after each epoch, as a driver does, and at its end."""
    spec = small_spec(keep_checkpoints=keep, **changes)
    paths, conductor = StudyPaths(folder, "fake"), conductor_on(Storage(), spec)
    retention = Retention(spec, paths)

    def sweep(assignment: Assignment, epoch: int) -> dict[str, Any] | None:
        retention.sweep(conductor.history)
        running = [trial for trial in conductor.history.trials if trial.in_flight and trial.epochs]
        assert all(left(paths, trial)[-1] >= trial.epochs for trial in running), "a running trial lost its checkpoint"
        return {"class": "error", "message": "mine", "details": {}} if assignment.point == 0 and epoch == 3 else None

    drive(conductor, checkpoints=Shelf(paths, conductor), hurt=sweep)
    retention.sweep_again(conductor.history)
    return paths, conductor


@pytest.mark.parametrize("replicates", [1, 2])
@pytest.mark.parametrize("keep", ["best", "last", "all", "none"])
def test_ended_trials_keep_what_the_study_file_says(tmp_path: Path, keep: str, replicates: int) -> None:
    paths, conductor = run(tmp_path, keep, replicates=replicates)
    history = conductor.history
    best = best_point(history.points, conductor.spec)
    assert best is not None
    assert {trial.state for trial in history.trials} == {"COMPLETE", "PRUNED", "FAIL"}
    for trial in history.trials:
        newest = {"COMPLETE": 6, "PRUNED": trial.epochs, "FAIL": 2}[trial.state]
        found = left(paths, trial)
        if keep == "none" or (keep == "best" and (trial.point, trial.state) != (best.number, "COMPLETE")):
            assert found == []
        elif keep == "all":
            assert found[-1] >= newest
            assert len(found) == min(2, found[-1])
        else:
            assert len(found) == 1
            assert found[-1] >= newest  # a trial that was stopped late has run on
