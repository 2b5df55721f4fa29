"""What of a study can be deleted without losing what it has found, and how much that is."""

from __future__ import annotations

from dataclasses import dataclass, field

from study.execution.retention.checkpoint_retention import points_to_keep
from study.files.layout import StudyPaths
from study.files.lock import acquire_lock
from study.files.storage import StoragePath
from study.journal.history import History
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec
from study.journal.trials import Trial
from study.spec.spec import StudySpec


@dataclass(frozen=True)
class Deletable:
    """Something that can be deleted."""

    what: str
    """``checkpoints`` or ``results``: what one says to have it deleted."""
    loss: str
    """What can't be done without it."""
    paths: tuple[StoragePath, ...] = field(repr=False)
    size_bytes: int


def deletable(paths: StudyPaths) -> list[Deletable]:
    """Return what of a study can be deleted, each with its size; what isn't there is left out."""
    history = read_history(paths.journal)
    folders = _checkpoint_folders(paths, history, recorded_spec(paths, history))
    found = [
        Deletable(
            "checkpoints",
            "of ended trials: retries of them begin anew, and no more epochs can follow",
            tuple(folders),
            sum(folder.bytes_below() for folder in folders),
        ),
        Deletable(
            "results",
            f"the tables: {paths.command('collect')} writes them anew from the journal",
            (paths.results,),
            paths.results.bytes_below(),
        ),
    ]
    return [one for one in found if one.size_bytes]


def _checkpoint_folders(paths: StudyPaths, history: History, spec: StudySpec) -> list[StoragePath]:
    """Return the folders of checkpoints that the study's answer doesn't need.

    Trials that may go on keep theirs, and so do the best point and those with fresh seeds.
    """
    kept = {point.number for point in points_to_keep(history.points, spec, history)}

    def may_go(trial: Trial) -> bool:
        is_answer = trial.state == "COMPLETE" and trial.point in kept
        return trial.has_ended and not is_answer

    return [
        paths.checkpoints(trial.point, trial.replicate) for trial in history.trials if may_go(trial)
    ]


def clean(paths: StudyPaths, parts: list[Deletable]) -> None:
    """Delete parts of a study. Raises StudyLocked while it is being driven."""
    lock = acquire_lock(paths.lock, take_over=False)
    try:
        for part in parts:
            for path in part.paths:
                path.remove_tree()
    finally:
        lock.release()
