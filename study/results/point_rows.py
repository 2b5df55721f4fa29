"""Rows of the table of points."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, TypedDict

from study.journal.history import History
from study.journal.ranking import fresh_value, points_to_confirm, ranked, ranks, seeds_to_come
from study.journal.trials import Point
from study.results.cells import Row, utc_time
from study.results.recipe_cells import RecipeCells

if TYPE_CHECKING:
    from study.spec.spec import StudySpec


class _Outcome(TypedDict):
    """What a point is, and what has come of its trials."""

    study: str
    point: int
    state: str
    dropped: bool
    value: float | None
    value_2: float | None
    replicates: int
    complete: int
    pruned: int
    failed: int
    seeds: int
    confirmations: int
    origin: str
    entry: int | None
    level: int | None
    known: bool
    nominal_cost: float | None
    asked: datetime.datetime | None


class _Rank(TypedDict):
    """Where a point stands among those of its study that have a value."""

    rank: int
    standing: str


class _Confirmation(TypedDict):
    """What fresh seeds have shown of a point, and will."""

    fresh_value: float | None
    chosen: bool
    seeds_to_come: int | None


def point_rows(history: History, spec: StudySpec, recipes: RecipeCells) -> list[Row]:
    """Make a row of each point that was proposed, in the order of their numbers."""
    rank_by_point = _rank_by_point(history, spec)
    chosen = points_to_confirm(history.points, spec, whole_seeds=history.whole_seeds)
    chosen_numbers = {point.number for point in chosen}
    rows = []
    for point in history.points:
        row: Row = {**recipes.of(point), **_outcome(history, point)}
        row |= rank_by_point.get(point.number, {})
        row |= _confirmation(point, spec, is_chosen=point.number in chosen_numbers)
        rows.append(row)
    return rows


def _outcome(history: History, point: Point) -> _Outcome:
    kinds = [trial.kind for trial in point.trials.values()]
    states = [trial.state for trial in point.trials.values() if trial.kind == "search"]
    values = point.value if isinstance(point.value, list) else [point.value]
    return {
        "study": history.study,
        "point": point.number,
        "state": point.state,
        "dropped": point.is_dropped,
        "value": values[0] if values else None,
        "value_2": values[1] if len(values) > 1 else None,
        "replicates": kinds.count("search"),
        "complete": states.count("COMPLETE"),
        "pruned": states.count("PRUNED"),
        "failed": states.count("FAIL"),
        "seeds": len(point.seeds),
        "confirmations": kinds.count("confirm"),
        "origin": point.origin,
        "entry": point.entry,
        "level": point.level,
        "known": point.is_in_space,
        "nominal_cost": point.epoch_cost,
        "asked": utc_time(point.asked_at),
    }


def _rank_by_point(history: History, spec: StudySpec) -> dict[int, _Rank]:
    order = ranked(history.points, spec, whole_seeds=history.whole_seeds)
    standings = [standing for standing, _ in order]
    return {
        standing.number: {"rank": rank, "standing": standing.name}
        for standing, rank in zip(standings, ranks(standings), strict=True)
    }


def _confirmation(point: Point, spec: StudySpec, *, is_chosen: bool) -> _Confirmation:
    return {
        "fresh_value": fresh_value(point, spec),
        "chosen": is_chosen,
        "seeds_to_come": seeds_to_come(point, spec) if is_chosen else None,
    }
