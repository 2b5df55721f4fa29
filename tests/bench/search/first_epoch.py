"""The plainest rule: every point one epoch, then the best few to their end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.random_trial import RandomTrial

from .foreign import Answer
from .recorded import RecordedSpace


class FirstEpochSearch:
    """Random points, of which the best ``keep`` after their first epoch go on to the end.

    Where one of them fails, the next best takes its place.
    """

    def __init__(self, space: RecordedSpace, number: int, points: int, keep: int = 3) -> None:
        self._space = space.spec.space
        self._sign = space.sign
        self._random = RandomTrial(number)
        self._to_start = self._to_come = points
        self._places = keep
        self._values: list[Mapping[str, Any]] = []
        self._waiting: dict[int, float] = {}

    def next(self) -> int | None:
        if self._to_start:
            self._to_start -= 1
            self._values.append(self._space.ask(self._random))
            return len(self._values) - 1
        if self._to_come or not self._places or not self._waiting:
            return None
        self._places -= 1
        best = max(self._waiting, key=lambda trial: (self._sign * self._waiting[trial], -trial))
        del self._waiting[best]
        return best

    def values(self, trial: int) -> Mapping[str, Any]:
        return self._values[trial]

    def report(self, trial: int, epoch: int, value: float) -> Answer:
        if epoch > 1:
            return "go"
        self._to_come -= 1
        self._waiting[trial] = value
        return "pause"

    def end(self, trial: int, value: float | None) -> None:
        if value is not None:
            return
        if self._to_come:  # it failed in its first epoch
            self._to_come -= 1
        else:
            self._places += 1
