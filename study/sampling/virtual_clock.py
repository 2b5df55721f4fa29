"""A virtual clock: when each point would start and end on an ideal cluster, on which an epoch costs
its nominal cost.

A study on K workers is asynchronous: what the sampler knows at a proposal depends on how long
trials happen to take. Under this clock it depends on the study file alone: point *n* sees what
happened before the virtual start of point *n - K*, times being counted in nominal costs (operations
of the recipe), never measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Extent:
    """How far a point is settled: its epochs over all its replicates, one after the other, and
    whether that is all.
    """

    epochs: int
    over: bool
    nominal: float

    @property
    def length(self) -> float:
        return self.epochs * self.nominal


class VirtualClock:
    """``workers`` ideal workers take points in order; ``extent_of(n)`` tells what is settled about
    point ``n``.
    """

    def __init__(self, workers: int, extent_of: Callable[[int], Extent]) -> None:
        self._extent_of = extent_of
        self._on: list[int | None] = [None] * workers
        self._began: list[float] = []

    def began(self, number: int) -> float | None:
        """The virtual start of a point; None while it isn't determined."""
        while len(self._began) <= number:
            free = self._first_free()
            if free is None:
                return None
            worker, moment = free
            self._on[worker] = len(self._began)
            self._began.append(moment)
        return self._began[number]

    def _first_free(self) -> tuple[int, float] | None:
        """The worker that is free first, and when; None while one that isn't settled may come
        before it.
        """
        first: tuple[float, int] | None = None
        undecided = float("inf")
        for worker, point in enumerate(self._on):
            if point is None:
                end, settled = 0.0, True
            else:
                extent = self._extent_of(point)
                end, settled = self._began[point] + extent.length, extent.over
            if settled:
                first = min(first or (end, worker), (end, worker))
            else:
                undecided = min(undecided, end)
        if first is None or undecided < first[0]:
            return None
        return first[1], first[0]

    def epochs_by(self, number: int, moment: float) -> int:
        """How many epochs a point that has begun would have done by then, if it went on for
        ever.
        """
        elapsed = moment - self._began[number]
        return int(elapsed / self._extent_of(number).nominal + 1e-9) if elapsed > 0 else 0

    def ended_by(self, number: int, moment: float) -> bool:
        """Whether a settled point has ended by then."""
        extent = self._extent_of(number)
        return (
            extent.over
            and self.epochs_by(number, moment) >= extent.epochs
            and self._began[number] < moment
        )
