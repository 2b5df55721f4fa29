"""Starting from earlier studies: their ended points, as far as they lie in the new study's
space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.errors import SpecError, StudyNotFound, UserError
from study.files.layout import StudyPaths
from study.files.storage import StoragePath
from study.files.storage_uri import storage_path
from study.journal.events import EarlierPoint, EndState, WarmStarted
from study.journal.history import History
from study.journal.journal import read_records
from study.journal.outcomes import objective_values
from study.journal.trials import Point

if TYPE_CHECKING:
    from study.spec.spec import StudySpec


def warm_starts(spec: StudySpec, storage: StoragePath) -> list[WarmStarted]:
    """One event for each study that ``warm_start:`` names, by its name in the storage or by its
    folder.
    """
    return [_warm_start(spec, source, storage) for source in spec.warm_start]


def _warm_start(spec: StudySpec, source: str, storage: StoragePath) -> WarmStarted:
    history, objectives = _read_study(source, storage)
    if objectives != [(objective.metric, objective.direction) for objective in spec.objectives]:
        raise UserError(f"warm_start: {source} has another objective: {objectives}")
    trials = [
        _as_told(spec, point, point.state)
        for point in history.points
        if (point.state == "COMPLETE" or point.state == "PRUNED") and _lies_in(spec, point)
    ]
    return WarmStarted(
        source=history.study,
        trials=trials,
        left=len(history.points) - len(trials),
    )


def _read_study(source: str, storage: StoragePath) -> tuple[History, list[tuple[str, str]]]:
    from study.spec.load import load_spec

    folder = storage_path(source) if "/" in source else storage / source
    paths = StudyPaths(folder.parent, folder.name)
    if not paths.journal.exists():
        raise StudyNotFound(f"warm_start: no study {source} in {folder.parent}")
    objectives = load_spec(paths.spec).objectives
    return History(read_records(paths.journal)), [(o.metric, o.direction) for o in objectives]


def _lies_in(spec: StudySpec, point: Point) -> bool:
    try:
        return spec.params_of(point.values) is not None and spec.level_of(point.values) is not None
    except SpecError:
        return False


def _as_told(spec: StudySpec, point: Point, state: EndState) -> EarlierPoint:
    """The point as its study's sampler was told of it."""
    trial = point.trials.get(0)
    epochs = range(1, trial.epochs + 1) if trial else ()
    reports = (
        {epoch: objective_values(trial, spec.objectives, epoch)[0] for epoch in epochs}
        if trial
        else {}
    )
    return EarlierPoint(point.values, state, point.value, reports)
