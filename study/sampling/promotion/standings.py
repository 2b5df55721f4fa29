"""Who has come how far: an arm's contenders, and those that have come to each rung, the best first.

A study may have come to a rung with thousands, and decides as often. So nothing is ranked anew but
the contenders that have changed since.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

NextUntil = Callable[[int, int | None], int | None]
"""Gives the rung after an epoch of a training of so many epochs; None where there is none before
its end.
"""


@dataclass(frozen=True)
class Contender:
    """A point's first trial, as far as it is known."""

    point: int
    """The point's number."""
    length: int | None
    """How many epochs its training has; None where that isn't known before its end."""
    epochs: int
    """How many it has finished."""
    merit: Callable[[int], float]
    """How good it was after an epoch: the higher the better, or NaN."""
    until: int | None
    """The epoch up to which it may train as yet; None where it goes on to its end."""
    waits: bool
    """Whether it has come there, and can go on."""
    is_complete: bool = False
    """Whether its point has its value."""
    is_lost: bool = False
    """Whether its point has failed, or was stopped by the user."""


class _Place(NamedTuple):
    """In the order of their places the best come first, and of equals the lower number."""

    minus_merit: float
    point: int


class _Entry(NamedTuple):
    """What a rung knows of one that has come there."""

    place: _Place
    """With a merit of NaN it has none among the others."""
    waits: bool
    """Whether it waits at this rung."""


class Rung:
    """Those that have come to an epoch which lies before their end."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.members: dict[int, Contender] = {}
        """By their points' numbers."""
        self._entries: dict[int, _Entry] = {}
        self._ranked: list[_Place] = []
        self._waiting: list[_Place] = []
        self._kept: dict[Callable[[Rung], bool], bool] = {}

    def put(self, contender: Contender) -> None:
        """Take one in that has come here, or what is known of it by now."""
        place = _Place(-contender.merit(self.epoch), contender.point)
        entry = _Entry(place, contender.waits and contender.until == self.epoch)
        if self._entries.get(contender.point) != entry:
            self.remove(contender.point)
            self._entries[contender.point] = entry
            for places in self._lists_of(entry):
                insort(places, entry.place)
        self.members[contender.point] = contender

    def remove(self, point: int) -> None:
        """Forget one, if it is here."""
        self._kept.clear()
        entry = self._entries.pop(point, None)
        if entry is None:
            return
        del self.members[point]
        for places in self._lists_of(entry):
            del places[bisect_left(places, entry.place)]

    def _lists_of(self, entry: _Entry) -> list[list[_Place]]:
        """The lists in which its place stands."""
        if math.isnan(entry.place.minus_merit):
            return []
        return [self._ranked, self._waiting] if entry.waits else [self._ranked]

    def waiting_among_best(self, places: int) -> Iterator[Contender]:
        """Give those that wait here and are among the best so many, the best first."""
        for place in self._waiting:
            if bisect_left(self._ranked, place) >= places:
                return
            yield self.members[place.point]

    def holds(self, condition: Callable[[Rung], bool]) -> bool:
        """Whether a condition holds of this rung; it is asked again only once the rung changes."""
        if condition not in self._kept:
            self._kept[condition] = condition(self)
        return self._kept[condition]


class Standings:
    """The contenders of one arm, and the rungs that they have come to."""

    def __init__(self, next_until: NextUntil) -> None:
        self.contenders: dict[int, Contender] = {}
        """By their points' numbers."""
        self._next_until = next_until
        self._rungs: dict[int, Rung] = {}
        self._untils: Counter[int] = Counter()

    @classmethod
    def of(cls, contenders: Iterable[Contender], next_until: NextUntil) -> Self:
        """Return the standings of these contenders."""
        standings = cls(next_until)
        for contender in contenders:
            standings.put(contender)
        return standings

    def put(self, contender: Contender) -> None:
        """Take a contender in, or what is known of it by now."""
        before = self._forget(contender.point)
        self.contenders[contender.point] = contender
        if contender.until is not None:
            self._untils[contender.until] += 1
        reached = self._reached(contender)
        for epoch in before - reached:
            self._rungs[epoch].remove(contender.point)
        for epoch in reached:
            self._rungs.setdefault(epoch, Rung(epoch)).put(contender)

    def remove(self, point: int) -> None:
        """Forget a contender, if it is here."""
        for epoch in self._forget(point):
            self._rungs[epoch].remove(point)

    def _forget(self, point: int) -> set[int]:
        """Forget a contender but for its places at the rungs, which are given."""
        contender = self.contenders.pop(point, None)
        if contender is None:
            return set()
        if contender.until is not None:
            self._untils[contender.until] -= 1
        return self._reached(contender)

    def _reached(self, contender: Contender) -> set[int]:
        """The rungs that a contender has come to."""
        reached = set()
        epoch = self._next_until(0, contender.length)
        while epoch is not None and epoch <= contender.epochs:
            reached.add(epoch)
            epoch = self._next_until(epoch, contender.length)
        return reached

    def rungs(self) -> list[Rung]:
        """The rungs that any of them has come to, the lowest first."""
        return [self._rungs[epoch] for epoch in sorted(self._rungs)]

    def rung(self, epoch: int) -> Rung:
        """The rung at an epoch; an empty one where nobody has come there."""
        return self._rungs.get(epoch, Rung(epoch))

    @property
    def farthest_until(self) -> int:
        """The farthest epoch after which any of them waits; 0 where none does."""
        return max((epoch for epoch, count in self._untils.items() if count), default=0)
