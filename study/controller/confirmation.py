"""The confirmation: the best points and the baseline, trained once more on fresh seeds after the search."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from study.controller.population import Roster
from study.journal.history import Point, Trial
from study.journal.ranking import SEARCHED, STANDINGS, Standing, sign, standing_in_search

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

CONFIRM_FROM = 1000
"""Replicate numbers, and so seeds, of confirmation trials begin here: they are fresh however many the search had."""


Confirmation = tuple[Point, int, Trial | None]
"""A point, one of its fresh seeds, and the trial where that has started."""


def confirmations(roster: Roster) -> list[Confirmation]:
    """Every point and fresh seed that the confirmation asks for, and its trial where it has started."""
    confirm, history = roster.spec.confirm, roster.history
    if not confirm:
        return []
    seeds = range(CONFIRM_FROM, CONFIRM_FROM + confirm.replicates)
    points = to_confirm(history.points, roster.spec, whole_seeds=history.whole_seeds)
    return [(point, seed, point.trials.get(seed)) for point in points for seed in seeds]


def to_confirm(points: Iterable[Point], spec: StudySpec, *, whole_seeds: bool) -> list[Point]:
    """Of these points the best, of each level in a method study, and the baseline; none where nothing is confirmed.

    They are chosen by the search: what fresh seeds have shown since has no say, or luck would choose once more.
    """
    if spec.confirm is None:
        return []
    points = list(points)
    levels: dict[int, list[Point]] = {}
    for point in points:
        if point.level is not None and point.state == "COMPLETE" and isinstance(point.value, float):
            levels.setdefault(point.level, []).append(point)
    best = [
        point
        for _, rivals in sorted(levels.items())
        for point in sorted(rivals, key=lambda point: place_of(point, spec, whole_seeds))[: spec.confirm.top]
    ]
    baseline = spec.confirm.against
    against = [point for point in points if baseline is not None and point.entry == baseline]
    return [*best, *(point for point in against if point not in best)]


def place_of(point: Point, spec: StudySpec, whole_seeds: bool) -> Standing:
    """What the points of a level are sorted by; where seeds need not be whole, it doesn't count how many there are."""
    found = standing_in_search(point, spec) if whole_seeds else None
    return found or Standing(STANDINGS.index(SEARCHED), sign(spec) * point.value, point.number)
