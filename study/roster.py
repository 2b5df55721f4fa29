"""Who is in a study: its history, its arms, which points are still open, and which replicate a point needs next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.outcomes import point_value
from study.records import ENDED, History, Point, Trial
from study.sampling.arm import Arm, Jury, make_arms

if TYPE_CHECKING:
    from study.spec import StudySpec

HOPELESS = ("out_of_memory", "invalid")
"""Failures of a first replicate that further seeds would only repeat."""


class Undetermined:
    """What a point needs next depends on trials that are still running."""


class Roster:
    """The study's points and trials as the conductor's parts share them."""

    def __init__(self, spec: StudySpec, *, reproducible: bool) -> None:
        self.spec = spec
        self.reproducible = reproducible
        self.history = History()
        self.arms = make_arms(spec, by_number=reproducible)
        self.open: dict[int, Point] = {}
        self._places: dict[int, tuple[Arm, int]] = {}

    def enter(self, number: int, level: int | None) -> tuple[Arm, int] | None:
        """Take a new point in; its arm and its index there, None where it belongs to no level."""
        self.open[number] = self.history.points[number]
        if level is None:
            return None
        arm = self.arms[level]
        self._places[number] = (arm, len(arm.points))
        arm.points.append(number)
        return self._places[number]

    def reopen(self, number: int) -> None:
        self.open[number] = self.history.points[number]
        self.open = dict(sorted(self.open.items()))

    def place(self, number: int) -> tuple[Arm, int] | None:
        """A point's arm and its index there."""
        return self._places.get(number)

    def jury(self, trial: Trial) -> tuple[Jury, int] | None:
        """Who decides on a trial, and its index there; None where nobody does."""
        place = self._places.get(trial.point)
        if place is None or trial.kind != "search":
            return None
        arm, index = place
        return arm.jury(trial.replicate), index

    def next_replicate(self, point: Point) -> int | Undetermined | None:
        """The replicate that a point needs next, None if it needs no other."""
        started = len(search_trials(point))
        if started == 0:
            return 0
        if started >= self.spec.replicates:
            return None
        first = point.trials[0]
        if self.spec.pruner.name == "none" and not self.spec.racing and first.state not in ("PRUNED", "FAIL"):
            return started
        if first.state not in ENDED:
            return Undetermined()
        if first.state == "PRUNED" or (first.failure and first.failure["class"] in HOPELESS):
            return None
        return self._race(point, started) if self.spec.racing else started

    def _race(self, point: Point, started: int) -> int | Undetermined | None:
        """With racing: no further replicate once the point loses by more than the threshold on its seeds so far."""
        assert self.spec.racing is not None
        if any(trial.state not in ENDED for trial in search_trials(point)):
            return Undetermined()
        mine = point_value(point, self.spec.objectives, started)
        rivals = self._rivals(point, started)
        if isinstance(rivals, Undetermined):
            return rivals
        if not isinstance(mine, float) or not rivals:
            return started
        sign = 1 if self.spec.objectives[0].direction == "maximize" else -1
        behind = max(sign * value for value in rivals) - sign * mine
        return None if behind > self.spec.racing.threshold else started

    def _rivals(self, point: Point, replicates: int) -> list[float] | Undetermined:
        """The values of the points to compare with, over as many replicates: in a reproducible study the lower ones."""
        values: list[float] = []
        for rival in self.history.points:
            if rival.number == point.number or (self.reproducible and rival.number > point.number):
                continue
            if not has_ended(rival, replicates):
                if self.reproducible and rival.number in self.open and self.next_replicate(rival) is not None:
                    return Undetermined()
                continue
            value = point_value(rival, self.spec.objectives, replicates)
            if isinstance(value, float):
                values.append(value)
        return values


def search_trials(point: Point) -> list[Trial]:
    return [trial for trial in point.trials.values() if trial.kind == "search"]


def has_ended(point: Point, replicates: int) -> bool:
    """Whether the point's first ``replicates`` trials have ended."""
    trials = [point.trials.get(replicate) for replicate in range(replicates)]
    return all(trial is not None and trial.state in ENDED for trial in trials)
