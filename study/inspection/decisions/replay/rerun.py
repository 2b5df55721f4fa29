"""The study once more, with another pruner: the study's own controller is driven by what the
journal knows of each training, on workers of a virtual time.

Points are not proposed anew: each comes as the journal has it, once a worker is free for it.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, replace
from typing import Any

from study.controller.controller import Controller
from study.controller.next_work import Assignment
from study.inspection.decisions.replay.curves import Curve, Curves
from study.journal.events import PointAsked, StudyCreated
from study.journal.failure import Failure
from study.journal.history import FORMAT, History
from study.journal.trials import Point
from study.spec.samplers import FirstOnly
from study.spec.sections import StudyLimits
from study.spec.spec import StudySpec

_LEAST_SECONDS = 1e-6
"""What an epoch takes at least, so that time goes on."""


@dataclass(frozen=True)
class _Turn:
    """The moment at which a worker has something to say of its attempt."""

    moment: float
    order: int
    work: Assignment
    epoch: int
    """The epoch that it has just finished, if there was one more."""

    def __lt__(self, other: _Turn) -> bool:
        return (self.moment, self.order) < (other.moment, other.order)


class Rerun:
    """A study that is run again from its curves, under the pruner of ``spec``.

    Where the pruner lets a training go on that was cut off, it goes on as it stood there, and
    ``guessed`` says that this has come to pass.
    """

    def __init__(self, spec: StudySpec, recorded: History, curves: Curves) -> None:
        self.guessed = False
        self._curves = curves
        self._to_ask = [point for point in recorded.points if (point.number, 0) in curves]
        self._to_ask.reverse()
        self._dropped = {point.number for point in recorded.points if point.is_dropped}
        self.recorded_numbers: list[int] = []
        """For each point of the rerun its number in the journal."""
        self.workers = 1 if recorded.reproducible else workers_of(spec, recorded)
        self.spec = replace(
            spec,
            sampler=FirstOnly(),
            first=(),
            warm_start=(),
            confirm=None,
            stop=StudyLimits(),
        )
        self._controller = Controller(
            self.spec,
            lambda *records: None,
            workers=self.workers,
            nominal_cost=lambda subject: 1.0,
            reproducible=bool(recorded.reproducible),
            keep_going=True,
        )
        created = StudyCreated(
            study=recorded.study,
            format=FORMAT,
            reproducible=bool(recorded.reproducible),
            concurrency=self.workers,
            seeds="whole" if recorded.whole_seeds else "survivors",
        )
        self._controller.record(created)
        self._turns: list[_Turn] = []
        self._order = 0

    @property
    def history(self) -> History:
        """What the study has come to."""
        return self._controller.history

    def run(self, *, only_known: bool = False) -> History:
        """Run the study to its end, and give what it has come to; with ``only_known`` no further
        than to the first epoch that isn't known.
        """
        now = 0.0
        while not (only_known and self.guessed):
            while len(self._turns) < self.workers:
                work = self._next_work()
                if work is None:
                    break
                self._train(work, work.epochs_reported + 1, now)
            if not self._turns:
                self._drop_points()
                return self.history
            turn = heapq.heappop(self._turns)
            now = turn.moment
            self._take(turn)
        return self.history

    def seconds(self) -> float:
        """For how long the trainings held their workers, all together."""
        total = 0.0
        for trial in self.history.trials:
            total += self._curve(trial.point, trial.replicate).held_seconds(trial.epochs)
        return total

    # --- what a free worker does ---

    def _next_work(self) -> Assignment | None:
        while True:
            work = self._controller.next()
            if isinstance(work, Assignment):
                return work
            if not self._to_ask:
                return None
            point = self._to_ask.pop()
            self.recorded_numbers.append(point.number)
            self._controller.record(_asked(point, len(self.history.points)))

    def _drop_points(self) -> None:
        """Drop the points that the user dropped: they rank with nobody."""
        for point, number in enumerate(self.recorded_numbers):
            if number in self._dropped:
                self._controller.drop_point(point)

    def _train(self, work: Assignment, epoch: int, now: float) -> None:
        """Have the worker busy with an epoch, or with coming to its end after the last."""
        curve = self._curve(work.point, work.replicate)
        took = curve.seconds(epoch) - curve.seconds(epoch - 1)
        if epoch == 1:
            took += curve.overhead_s
        if curve.is_whole and epoch > curve.epochs:
            took = 0.0
        self._order += 1
        moment = now + max(took, _LEAST_SECONDS)
        heapq.heappush(self._turns, _Turn(moment, self._order, work, epoch))

    def _curve(self, point: int, replicate: int) -> Curve:
        """The curve of a training; for one that never ran, that of the point's first seed."""
        number = self.recorded_numbers[point]
        found = self._curves.get((number, replicate))
        if found is not None:
            return found
        self.guessed = True
        first = self._curves[number, 0]
        return replace(first, end="cut") if first.end == "finished" else first

    # --- what it says ---

    def _take(self, turn: _Turn) -> None:
        work, epoch = turn.work, turn.epoch
        if not self._controller.is_wanted(work.trial, work.attempt):
            return
        curve = self._curve(work.point, work.replicate)
        if epoch > curve.epochs and (curve.is_whole or not curve.epochs):
            self._end(work, curve)
            return
        if epoch > curve.epochs:
            self.guessed = True
        if epoch > max(curve.longest, curve.epochs):
            self._controller.finished(work.trial, work.attempt, "epochs", curve.trial.summary)
            return
        if self._controller.reported(work.trial, work.attempt, self._row(curve, epoch)):
            self._train(work, epoch + 1, turn.moment)

    def _row(self, curve: Curve, epoch: int) -> dict[str, Any]:
        last_epoch = curve.trial.last_epoch if curve.is_whole else curve.longest
        return {"epoch": epoch, "last": epoch == last_epoch, **curve.metrics(epoch)}

    def _end(self, work: Assignment, curve: Curve) -> None:
        """End an attempt as the training ended."""
        trial = curve.trial
        if curve.end == "finished":
            self._controller.finished(work.trial, work.attempt, trial.stop_reason, trial.summary)
        elif curve.end == "failed":
            failure = trial.failure or Failure("error", "")
            self._controller.failed(work.trial, work.attempt, failure)
        else:  # the user stopped it, or it has not come to its first epoch
            self.guessed |= curve.end == "cut"
            self._controller.stop_trial(work.trial)


def workers_of(spec: StudySpec, history: History) -> int:
    """How many trials the study had at once."""
    return spec.concurrency or history.concurrency or 1


def _asked(point: Point, number: int) -> PointAsked:
    """The event of a recorded point, under the number that it has in the rerun."""
    return PointAsked(
        point=number,
        values=point.values,
        origin=point.origin,
        entry=point.entry,
        level=point.level,
        nominal=None,
        known=point.is_in_space,
    )
