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
from study.journal.outcomes import objective_values
from study.journal.replay import read_history
from study.journal.spec_versions import recorded_spec
from study.journal.trials import Point

if TYPE_CHECKING:
    from study.spec.spec import StudySpec


def warm_starts(spec: StudySpec, storage: StoragePath) -> list[WarmStarted]:
    """One event for each study that ``warm_start:`` names, by its name or by its folder.

    Raises StudyNotFound where there is no such study, UserError where its objectives are others.
    """
    return [_warm_start(spec, source, storage) for source in spec.warm_start]


def _warm_start(spec: StudySpec, source: str, storage: StoragePath) -> WarmStarted:
    history, objectives = _read_study(source, storage)
    if objectives != _names_and_directions(spec):
        raise UserError(f"warm_start: {source} has another objective: {objectives}")
    points: list[EarlierPoint] = []
    kept = [point for point in history.points if not point.is_dropped]
    for point in kept:
        if not _is_in_space(spec, point):
            continue
        if point.state == "COMPLETE" or point.state == "PRUNED":
            points.append(_as_told(spec, point, point.state))
    return WarmStarted(source=history.study, trials=points, left=len(kept) - len(points))


def _read_study(source: str, storage: StoragePath) -> tuple[History, list[tuple[str, str]]]:
    """An earlier study's history, and its objectives with their directions."""
    folder = storage_path(source) if "/" in source else storage / source
    paths = StudyPaths(folder.parent, folder.name)
    paths.check_plain()
    if not paths.journal.exists():
        raise StudyNotFound(f"warm_start: no study {source} in {folder.parent}")
    history = read_history(paths.journal)
    return history, _names_and_directions(recorded_spec(paths, history))


def _names_and_directions(spec: StudySpec) -> list[tuple[str, str]]:
    return [(objective.metric, objective.direction) for objective in spec.objectives]


def _is_in_space(spec: StudySpec, point: Point) -> bool:
    """Whether a point of another study lies in this one's space and in one of its arms, and keeps
    its rules.
    """
    try:
        is_inside = spec.params_of(point.values) is not None
        has_arm = spec.level_of(point.values) is not None
        return is_inside and has_arm and not spec.broken_rules(point.values)
    except SpecError:
        return False


def _as_told(spec: StudySpec, point: Point, state: EndState) -> EarlierPoint:
    """The point as its own study's sampler was told of it."""
    reports: dict[int, float] = {}
    first = point.trials.get(0)
    if first is not None:
        for epoch in range(1, first.epochs + 1):
            reports[epoch] = objective_values(first, spec.objectives, epoch)[0]
    return EarlierPoint(point.values, state, point.value, reports)
