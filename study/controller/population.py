"""Who is in a study: its history, its arms, which points have no outcome yet, and which replicate a
point needs next.

Studies differ in how seeds count (``History.whole_seeds``). Today the pruner judges a point's first
replicate alone; once that is COMPLETE the others run to their end, and the point has a value when
all are COMPLETE. In older studies each replicate is judged among those of its number, and a point's
value is the mean of those that are left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.errors import JournalDamaged
from study.journal.events import EndState, PointValue
from study.journal.history import History
from study.journal.outcomes import point_value, search_trials, survivors_value
from study.journal.trials import Point, Trial
from study.sampling.arm import ArmPosition, QueuePosition, make_arms

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_REPEATED_BY_EVERY_SEED = ("out_of_memory", "invalid")
"""Failures of a first replicate that further seeds would only repeat."""


class Undetermined:
    """What a point needs next depends on trials that are still running."""


class Population:
    """The points and trials of a study, as the parts of its controller share them."""

    def __init__(self, spec: StudySpec, *, reproducible: bool) -> None:
        self.spec = spec
        self.reproducible = reproducible
        self.history = History()
        self.arms = make_arms(spec, by_number=reproducible)
        self.open_points: dict[int, Point] = {}
        """The points without an outcome, by number, lowest first."""
        self._startable: set[int] = set()
        """The numbers of those for which there may be something to start: not those that wait to
        be promoted, of which a study may have thousands, nor those whose trials all have a worker.
        """
        self._positions: dict[int, ArmPosition] = {}

    # --- where points and trials stand ---

    def enter(self, number: int, level: int | None) -> ArmPosition | None:
        """Take a new point in and give its position; None where it belongs to no arm.

        Raises JournalDamaged where it is said to belong to one that the study hasn't.
        """
        self.open_points[number] = self.history.points[number]
        if level is None:
            return None
        if not 0 <= level < len(self.arms):
            raise JournalDamaged(
                f"point {number} must belong to one of the study's {len(self.arms)} levels; its"
                f" record says {level}"
            )
        arm = self.arms[level]
        position = ArmPosition(arm, len(arm.points))
        self._positions[number] = position
        arm.points.append(number)
        return position

    def reopen(self, number: int) -> None:
        """Take a point in again whose outcome was taken back."""
        self.open_points[number] = self.history.points[number]
        self.open_points = dict(sorted(self.open_points.items()))

    def close(self, number: int) -> None:
        """Note that a point has its outcome."""
        self.open_points.pop(number, None)

    def adopt(self, spec: StudySpec) -> None:
        """Go on with another version of the spec, by which points may need more replicates."""
        self.spec = spec
        self.note_change(None)

    def note_change(self, number: int | None) -> None:
        """Take notice that something has happened to a point or to a trial of it, or that it may
        have to any, as where a session ends.
        """
        if number is None:
            for each in self.open_points:
                self.note_change(each)
            return
        point = self.open_points.get(number)
        if point and self._may_start(point):
            self._startable.add(number)
        else:
            self._startable.discard(number)

    def _may_start(self, point: Point) -> bool:
        """Whether a trial of a point may be started, as far as that follows from the point alone:
        in a race it needs the values of others.
        """
        first = point.trials.get(0)
        if first is not None and first.waits:
            return False
        if self.spec.racing or any(trial.is_idle for trial in search_trials(point)):
            return True
        return isinstance(self.next_replicate(point), int)

    def startable_points(self) -> list[Point]:
        """The open points of which a trial may be started, the lowest number first."""
        return [self.open_points[number] for number in sorted(self._startable)]

    def arm_position(self, number: int) -> ArmPosition | None:
        """A point's arm and its index there; None where it belongs to no arm."""
        return self._positions.get(number)

    def queue_position(self, trial: Trial) -> QueuePosition | None:
        """Who decides on a trial, and its index there; None where nobody does."""
        position = self._positions.get(trial.point)
        if position is None or trial.kind != "search":
            return None
        if self.history.whole_seeds and trial.replicate > 0:
            return None
        return QueuePosition(position.arm.pruner_queue(trial.replicate), position.index)

    # --- what a point needs next ---

    def next_replicate(self, point: Point) -> int | Undetermined | None:
        """The replicate that a point needs next; None where it needs no other."""
        if point.is_dropped:
            return None
        started = len(search_trials(point))
        if started == 0:
            return 0
        if started >= self.spec.replicates or self._is_lost(point):
            return None
        first = point.trials[0]
        may_be_stopped = self.spec.pruner.name != "none" or self.spec.racing
        if not may_be_stopped and first.state != "FAIL":
            return started
        if not first.has_ended:
            return Undetermined()
        if self.spec.racing:
            return self._next_in_race(point, started)
        return started

    def _is_lost(self, point: Point) -> bool:
        """Whether further seeds can't help a point any more."""
        if self.history.whole_seeds:
            return any(trial.state in ("PRUNED", "FAIL") for trial in search_trials(point))
        first = point.trials[0]
        if first.state == "PRUNED":
            return True
        failure = first.failure
        return failure is not None and failure.failure_class in _REPEATED_BY_EVERY_SEED

    def _next_in_race(self, point: Point, started: int) -> int | Undetermined | None:
        """The next replicate; None once the point loses on its seeds so far by more than the
        racing's threshold.
        """
        assert self.spec.racing is not None
        if any(not trial.has_ended for trial in search_trials(point)):
            return Undetermined()
        own_value = self._value(point, started)
        rivals = self._rival_values(point, started)
        if isinstance(rivals, Undetermined):
            return rivals
        if not isinstance(own_value, float) or not rivals:
            return started
        sign = self.spec.objectives[0].sign
        best_rival = max(sign * value for value in rivals)
        is_beaten = best_rival - sign * own_value > self.spec.racing.threshold
        return None if is_beaten else started

    def _rival_values(self, point: Point, replicates: int) -> list[float] | Undetermined:
        """The values of other points over as many replicates; in a reproducible study, those of
        lower number.
        """
        values: list[float] = []
        for rival in self.history.points:
            if rival.number == point.number or rival.is_dropped:
                continue
            if self.reproducible and rival.number > point.number:
                continue
            if not _has_ended(rival, replicates):
                if self.reproducible and self._may_still_count(rival, replicates):
                    return Undetermined()
                continue
            value = self._value(rival, replicates)
            if isinstance(value, float):
                values.append(value)
        return values

    def _may_still_count(self, point: Point, replicates: int) -> bool:
        """Whether all of a point's first replicates may come to an end, which some haven't yet."""
        if point.number not in self.open_points:
            return False
        needs_another = self.next_replicate(point) is not None
        if not self.history.whole_seeds:
            return needs_another
        first = [trial for trial in search_trials(point) if trial.replicate < replicates]
        is_running = any(not trial.has_ended for trial in first)
        return not self._is_lost(point) and (is_running or needs_another)

    # --- what a point has come to ---

    def outcome(self, point: Point) -> tuple[EndState, PointValue]:
        """The state and the value of a point whose trials have ended, all that it needs."""
        if point.is_dropped:
            return "PRUNED", None
        if not self.history.whole_seeds:
            return self._survivors_outcome(point)
        trials = search_trials(point)
        losses: tuple[EndState, ...] = ("FAIL", "PRUNED")
        for state in losses:
            if any(trial.state == state for trial in trials):
                return state, None
        value = self._value(point, len(trials))
        return ("FAIL" if value is None else "COMPLETE"), value

    def _survivors_outcome(self, point: Point) -> tuple[EndState, PointValue]:
        if point.trials[0].state == "PRUNED":
            return "PRUNED", None
        value = survivors_value(point, self.spec.objectives, None)
        return ("FAIL" if value is None else "COMPLETE"), value

    def _value(self, point: Point, replicates: int) -> PointValue:
        """A point's value over its first replicates."""
        value_over = point_value if self.history.whole_seeds else survivors_value
        return value_over(point, self.spec.objectives, replicates)


def _has_ended(point: Point, replicates: int) -> bool:
    """Whether the point's first ``replicates`` trials have ended."""
    trials = [point.trials.get(replicate) for replicate in range(replicates)]
    return all(trial is not None and trial.has_ended for trial in trials)
