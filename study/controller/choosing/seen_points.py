"""What is seen of a study's points at a moment, looked at again only as far as it may have changed.

A decision is made from all points, of which a study may have thousands. Of most of them nothing new
is to be seen since the decision before.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass

from study.sampling.promotion.standings import Contender, NextUntil, Standings


@dataclass(frozen=True)
class SeenPoint:
    """What is seen of a point at a moment."""

    since: float
    """The moment from which every one shows this; infinite where a later one may show more."""
    contender: Contender
    runs: bool
    """Whether more is to come of it without anybody's decision."""


class SeenPoints:
    """What is seen of all points at the moment that was looked at last."""

    def __init__(self, arms: int, next_until: NextUntil) -> None:
        self.standings = [Standings(next_until) for _ in range(arms)]
        """How each arm's contenders stand."""
        self._running: set[int] = set()
        self._changed: set[int] = set()
        """The points to which something has happened since they were looked at."""
        self._since: dict[int, float] = {}
        self._by_moment: list[tuple[float, int]] = []
        """The moments from which points show no more, each with its point, in their order."""

    def note_change(self, point: int) -> None:
        """Take notice that something has happened to a point, or that it is new."""
        self._changed.add(point)

    def to_look_at(self, moment: float) -> list[int]:
        """The points of which a moment may show something else, the lowest number first."""
        first = bisect_right(self._by_moment, (moment, math.inf))
        return sorted(self._changed.union(point for _, point in self._by_moment[first:]))

    def put(self, seen: SeenPoint, arm: int | None, *, competes: bool) -> None:
        """Take in what is seen of a point of this arm, or of none, which ``competes`` there or was
        dropped.
        """
        point = seen.contender.point
        self._changed.discard(point)
        if point in self._since:
            del self._by_moment[bisect_left(self._by_moment, (self._since[point], point))]
        self._since[point] = seen.since
        insort(self._by_moment, (seen.since, point))
        if seen.runs:
            self._running.add(point)
        else:
            self._running.discard(point)
        if arm is not None and competes:
            self.standings[arm].put(seen.contender)
        elif arm is not None:
            self.standings[arm].remove(point)

    def any_runs(self, points: Iterable[int] | None = None) -> bool:
        """Whether more is to come without anybody's decision, of any of these points or of all."""
        return bool(self._running if points is None else self._running.intersection(points))
