"""Who is in a study: its history, its arms, which points are still open, and which replicate a
point needs next.

Studies differ in how seeds count (``History.whole_seeds``). Today the pruner judges a point's first
replicate alone; once that is COMPLETE the others run, whole, and the point has a value when all are
COMPLETE. In studies that were begun before, each replicate is judged among those of its number, and
a point's value is the mean of what is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.journal.events import EndState, PointValue
from study.journal.history import History
from study.journal.outcomes import point_value, search_trials, survivors_value
from study.journal.trials import ENDED_STATES, Point, Trial
from study.sampling.arm import Arm, PrunerQueue, make_arms

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_HOPELESS = ("out_of_memory", "invalid")
"""Failures of a first replicate that further seeds would only repeat: where seeds need not be
whole.
"""


class Undetermined:
    """What a point needs next depends on trials that are still running."""


class Population:
    """The study's points and trials as the controller's parts share them."""

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

    def pruner_queue(self, trial: Trial) -> tuple[PrunerQueue, int] | None:
        """Who decides on a trial, and its index there; None where nobody does."""
        place = self._places.get(trial.point)
        if (
            place is None
            or trial.kind != "search"
            or (self.history.whole_seeds and trial.replicate > 0)
        ):
            return None
        arm, index = place
        return arm.pruner_queue(trial.replicate), index

    def next_replicate(self, point: Point) -> int | Undetermined | None:
        """The replicate that a point needs next, None if it needs no other."""
        started = len(search_trials(point))
        if started == 0:
            return 0
        if started >= self.spec.replicates:
            return None
        first = point.trials[0]
        if self._is_lost(point):
            return None
        if self.spec.pruner.name == "none" and not self.spec.racing and first.state != "FAIL":
            return started
        if first.state not in ENDED_STATES:
            return Undetermined()
        return self._race(point, started) if self.spec.racing else started

    def _is_lost(self, point: Point) -> bool:
        """Whether further seeds can't help a point any more."""
        if self.history.whole_seeds:
            return any(trial.state in ("PRUNED", "FAIL") for trial in search_trials(point))
        first = point.trials[0]
        return first.state == "PRUNED" or bool(
            first.failure and first.failure.failure_class in _HOPELESS
        )

    def outcome(self, point: Point) -> tuple[EndState, PointValue]:
        """The state and the value of a point whose trials have all ended and which needs no further
        one.
        """
        trials = search_trials(point)
        if not self.history.whole_seeds:
            if point.trials[0].state == "PRUNED":
                return "PRUNED", None
            value = survivors_value(point, self.spec.objectives, None)
            return ("FAIL" if value is None else "COMPLETE"), value
        losses: tuple[EndState, ...] = ("FAIL", "PRUNED")
        for state in losses:
            if any(trial.state == state for trial in trials):
                return state, None
        value = self._value(point, len(trials))
        return ("FAIL" if value is None else "COMPLETE"), value

    def _value(self, point: Point, replicates: int) -> float | list[float] | None:
        """A point's value over its first replicates."""
        value = point_value if self.history.whole_seeds else survivors_value
        return value(point, self.spec.objectives, replicates)

    def _race(self, point: Point, started: int) -> int | Undetermined | None:
        """With racing: no further replicate once the point loses by more than the threshold on its
        seeds so far.
        """
        assert self.spec.racing is not None
        if any(trial.state not in ENDED_STATES for trial in search_trials(point)):
            return Undetermined()
        mine = self._value(point, started)
        rivals = self._rivals(point, started)
        if isinstance(rivals, Undetermined):
            return rivals
        if not isinstance(mine, float) or not rivals:
            return started
        sign = self.spec.objectives[0].sign
        behind = max(sign * value for value in rivals) - sign * mine
        return None if behind > self.spec.racing.threshold else started

    def _rivals(self, point: Point, replicates: int) -> list[float] | Undetermined:
        """The values of the points to compare with, over as many replicates: in a reproducible
        study the lower ones.
        """
        values: list[float] = []
        for rival in self.history.points:
            if rival.number == point.number or (self.reproducible and rival.number > point.number):
                continue
            if not _has_ended(rival, replicates):
                if (
                    self.reproducible
                    and rival.number in self.open
                    and self._may_get(rival, replicates)
                ):
                    return Undetermined()
                continue
            value = self._value(rival, replicates)
            if isinstance(value, float):
                values.append(value)
        return values

    def _may_get(self, point: Point, replicates: int) -> bool:
        """Whether a point's first replicates, of which not all have ended, may still come to
        count.
        """
        if not self.history.whole_seeds:
            return self.next_replicate(point) is not None
        started = [trial for trial in search_trials(point) if trial.replicate < replicates]
        running = any(trial.state not in ENDED_STATES for trial in started)
        return not self._is_lost(point) and (running or self.next_replicate(point) is not None)


def _has_ended(point: Point, replicates: int) -> bool:
    """Whether the point's first ``replicates`` trials have ended."""
    trials = [point.trials.get(replicate) for replicate in range(replicates)]
    return all(trial is not None and trial.state in ENDED_STATES for trial in trials)
