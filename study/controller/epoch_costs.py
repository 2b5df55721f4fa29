"""What an epoch of each point costs on the virtual clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from study.errors import SpecError
from study.journal.events import PointCosted
from study.journal.trials import Point

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_NEXT_TO_NOTHING = 1.0
"""The cost of an epoch that never runs: one operation, where others take millions."""


class EpochCosts:
    """Counts the operations of a point's recipe, once the virtual clock asks for them.

    Counting needs torch, which takes a while to load. So the first points are asked without a cost,
    and only a few of them ever get one. From the first cost that the clock has asked for, each new
    point gets its own as it is asked.
    """

    def __init__(self, spec: StudySpec, count: Callable[[Any], float]) -> None:
        self._spec = spec
        self._count = count
        self._are_asked_for = False
        self._unrecorded: dict[int, float] = {}
        """Costs by point number that the journal doesn't have yet."""

    def cost_of(self, point: Point) -> float:
        """The cost of a point that has been asked, counted where it isn't known yet."""
        cost = point.epoch_cost
        if cost is None:
            cost = self._unrecorded.get(point.number)
        if cost is None:
            self._are_asked_for = True
            cost = self.count(point.values)
            self._unrecorded[point.number] = cost
        return cost or _NEXT_TO_NOTHING

    def cost_of_new(self, values: Mapping[str, Any]) -> float | None:
        """The cost of a point that is being asked; None while the clock hasn't asked for any."""
        return self.count(values) if self._are_asked_for else None

    def count(self, values: Mapping[str, Any]) -> float:
        """The operations of an epoch with these values."""
        try:
            return self._count(self._spec.training(values).subject)
        except SpecError:  # the trial fails before it has cost anything
            return _NEXT_TO_NOTHING

    def take_unrecorded(self) -> list[PointCosted]:
        """The costs that were counted since the last time, to be recorded now."""
        events = [
            PointCosted(point=number, nominal=cost) for number, cost in self._unrecorded.items()
        ]
        self._unrecorded = {}
        return events
