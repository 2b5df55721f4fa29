"""A virtual clock: when each point would start and end on an ideal cluster.

A study on K workers is asynchronous: what the sampler knows when it proposes a point depends on how
long trials happen to take. Under this clock it depends on the study file alone. Point *n* sees what
happened before its virtual start, which is when one of K ideal workers is free after the points up
to *n - 1* have started. An epoch takes as long there as it costs, in operations of the recipe: that
is counted, never measured.

Where a pruner promotes trials, what workers take is not points but jobs, each a stretch of a trial.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

_ROUNDING = 1e-9
"""Spares an epoch that ends just at the moment asked for from the rounding of the division."""


@dataclass(frozen=True)
class Extent:
    """How far a point or a job has come, over all its replicates one after the other."""

    epochs: int
    is_final: bool
    """Whether it has ended with these epochs, so that no more are to come."""
    epoch_cost: float

    @property
    def length(self) -> float:
        """How long it has run on the virtual clock."""
        return self.epochs * self.epoch_cost


class VirtualClock:
    """``workers`` ideal workers that take points, or jobs, in the order of their numbers.

    ``extent_of(n)`` gives what is settled about number ``n`` at the time of the call. None starts
    before ``not_before(n)``.
    """

    def __init__(
        self,
        workers: int,
        extent_of: Callable[[int], Extent],
        not_before: Callable[[int], float] = lambda number: 0.0,
    ) -> None:
        self._extent_of = extent_of
        self._not_before = not_before
        self._point_on: list[int | None] = [None] * workers
        """By worker the point that it has taken last."""
        self._starts: list[float] = []
        """By point its virtual start."""

    def start_of(self, number: int) -> float | None:
        """The virtual start of a point; None while it isn't determined."""
        while len(self._starts) <= number:
            free = self._first_free_worker()
            if free is None:
                return None
            worker, moment = free
            following = len(self._starts)
            self._point_on[worker] = following
            self._starts.append(max(moment, self._not_before(following)))
        return self._starts[number]

    def started(self, count: int) -> int:
        """Of how many of the first ``count`` the virtual start is determined."""
        if count > len(self._starts):
            self.start_of(count - 1)
        return min(count, len(self._starts))

    def earliest_start(self) -> float:
        """The moment before which none starts whose start isn't determined."""
        ends = [
            0.0 if number is None else self._starts[number] + self._extent_of(number).length
            for number in self._point_on
        ]
        return max(min(ends), self._not_before(len(self._starts)))

    def _first_free_worker(self) -> tuple[int, float] | None:
        """The worker that is free first, and when; None while that isn't determined.

        A point that runs on ends later than it has come so far. So the worker with the earliest end
        is known to be the first once no such point might end before.
        """
        free: list[tuple[float, int]] = []
        earliest_undetermined = math.inf
        for worker, number in enumerate(self._point_on):
            if number is None:
                free.append((0.0, worker))
                continue
            extent = self._extent_of(number)
            end = self._starts[number] + extent.length
            if extent.is_final:
                free.append((end, worker))
            else:
                earliest_undetermined = min(earliest_undetermined, end)
        if not free:
            return None
        moment, worker = min(free)
        return None if earliest_undetermined < moment else (worker, moment)

    def has_started_by(self, number: int, moment: float) -> bool:
        """Whether it has started by then, as far as starts are determined."""
        return number < len(self._starts) and self._starts[number] <= moment

    def epochs_by(self, number: int, moment: float) -> int:
        """How many epochs a started point would have finished by then, if it went on for ever."""
        elapsed = moment - self._starts[number]
        if elapsed <= 0:
            return 0
        return int(elapsed / self._extent_of(number).epoch_cost + _ROUNDING)

    def has_ended_by(self, number: int, moment: float) -> bool:
        """Whether a started point has ended by then."""
        extent = self._extent_of(number)
        if not extent.is_final or self._starts[number] >= moment:
            return False
        return self.epochs_by(number, moment) >= extent.epochs
