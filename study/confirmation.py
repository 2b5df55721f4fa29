"""The confirmation: the best points and the baseline, trained once more on fresh seeds after the search."""

from __future__ import annotations

from study.records import Point, Trial
from study.roster import Roster

CONFIRM_FROM = 1000
"""Replicate numbers, and so seeds, of confirmation trials begin here: they are fresh however many the search had."""


def confirmations(roster: Roster) -> list[tuple[Point, int, Trial | None]]:
    """Every point and fresh seed that the confirmation asks for, and its trial where it has started."""
    confirm = roster.spec.confirm
    if not confirm:
        return []
    seeds = range(CONFIRM_FROM, CONFIRM_FROM + confirm.replicates)
    return [(point, seed, point.trials.get(seed)) for point in to_confirm(roster) for seed in seeds]


def to_confirm(roster: Roster) -> list[Point]:
    """The best points, of each level in a method study, and the baseline."""
    spec, history = roster.spec, roster.history
    assert spec.confirm is not None
    sign = -1 if spec.objectives[0].direction == "maximize" else 1
    chosen: dict[int, Point] = {}
    for arm in roster.arms:
        points = [history.points[number] for number in arm.points]
        ranked = [point for point in points if point.state == "COMPLETE" and isinstance(point.value, float)]
        ranked.sort(key=lambda point: (sign * point.value, point.number))
        chosen.update({point.number: point for point in ranked[: spec.confirm.top]})
    if spec.confirm.against is not None:
        baseline = spec.confirm.against
        chosen.update({point.number: point for point in history.points if point.entry == baseline})
    return list(chosen.values())
