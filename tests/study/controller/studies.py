"""Whole studies on the fake cluster, and what they have come to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.extension import reopenings
from study.journal.failure import Failure
from study.journal.trials import Point

from ..fake_cluster import Killed, Storage, controller_on, curve, drive, outcome, small_spec

PRUNERS: list[dict[str, Any]] = [
    {"name": "none"},
    {"name": "asha", "min_epochs": 1, "reduction": 2},
    {"name": "hyperband", "min_epochs": 1, "reduction": 2},
    {"name": "median"},
    {"name": "percentile"},
    {"name": "patient"},
]


RULES = ["whole", "survivors"]

"""How seeds count: as in a study that is new, and as in one that was begun when the pruner judged
every seed.
"""


def run_whole(
    seed: int = 0, workers: int = 2, seeds: str = "whole", **changes: Any
) -> list[tuple[Any, ...]]:
    controller = controller_on(Storage(), small_spec(**changes), seeds=seeds)
    drive(controller, seed=seed, workers=workers)
    return outcome(controller)


def extended(
    reproducible: bool, seed: int, die_every: int | None = None, seeds: str = "whole"
) -> Controller:
    """A study of 12 points with a seed each, extended to 20 points with three, be it killed every
    so many writes.
    """
    changes: dict[str, Any] = {"reproducible": reproducible, "pruner": "none"}
    old, new = small_spec(**changes), small_spec(**changes, points=20, replicates=3)
    storage, checkpoints = Storage(), dict[int, int]()
    controller = controller_on(storage, old, seeds=seeds)
    drive(controller, seed=seed)
    paths = StudyPaths(LocalPath("nowhere"), "fake")
    storage.append(
        *(
            {**event.to_record(), "time": 0}
            for event in reopenings(old, new, controller.history, paths)
        )
    )
    for session in range(100):
        storage.die_after = storage.writes + die_every if die_every else None
        try:
            controller = controller_on(storage, new)
            drive(controller, seed=seed + session, checkpoints=checkpoints)
            break
        except Killed:
            continue
    return controller


def params_in(values: dict[str, Any]) -> tuple[Any, ...]:
    return (values["optimizer.name"], values["optimizer.lr"])


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
