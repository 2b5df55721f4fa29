"""The jobs of a study whose pruner promotes trials, and when they would run on an ideal cluster.

A job is a stretch of a point's first trial, from where it was set aside to where it waits again.
The last one goes on to the trial's end, and to that of the point's further replicates. Jobs have
the order in which the journal has them: that of the points asked and of the trials promoted.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

from study.controller.epoch_costs import EpochCosts
from study.controller.population import Population
from study.journal.trials import Point
from study.sampling.virtual_clock import Extent, VirtualClock

_DELAY = 1.25
"""How much later than on the ideal cluster an epoch is seen: what it really takes may well be a
quarter more than what it costs, and nobody should have to wait for that.
"""
_ROUNDING = 1e-9
"""Spares an epoch that ends just at the moment asked for from the rounding of the division."""


@dataclass(frozen=True)
class Job:
    """A stretch of a point's first trial."""

    point: int
    """The point's number."""
    begin: int
    """How many epochs the trial has had before."""
    until: int | None
    """The epoch after which it waits; None where it goes on to its end."""
    horizon: float
    """The virtual moment up to which all was seen when the job was decided on."""


@dataclass(frozen=True)
class Sight:
    """What is seen of a point."""

    epochs: int
    """How many epochs its first trial has finished."""
    rung: int
    """The latest epoch up to which a job of it has come; 0 while its first one runs."""
    has_ended: bool
    """Whether the point has its outcome."""


class Jobs:
    """The jobs so far, on the virtual clock of ``workers`` ideal workers."""

    def __init__(
        self,
        population: Population,
        workers: int,
        costs: EpochCosts,
        length_of: Callable[[int], int | None],
    ) -> None:
        self._population = population
        self._length_of = length_of
        self._workers = workers
        self._costs = costs
        self._jobs: list[Job] = []
        self._of_point: dict[int, list[int]] = defaultdict(list)
        """The numbers of each point's jobs."""
        self._running: set[int] = set()
        """The jobs of which more may be to come."""
        self._seen_whole: dict[int, float] = {}
        """The others, with the moment from which all of them is seen."""
        self._ends: list[float] = []
        """Those moments in their order."""
        self._clock = VirtualClock(workers, self._plan, lambda number: self._jobs[number].horizon)

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, point: int, until: int | None, horizon: float | None) -> None:
        """Take in a point's next job; without a horizon it saw what the one before it saw."""
        self.first_horizon()  # as far as the clock is determined before it
        before = self._of_point[point]
        begin = self._jobs[before[-1]].until if before else 0
        if horizon is None:
            horizon = self.horizon
        before.append(len(self._jobs))
        self._running.add(len(self._jobs))
        self._jobs.append(Job(point, begin or 0, until, horizon))

    def note_change(self, point: int) -> None:
        """Take notice that something has happened to a point: its jobs may have ended otherwise."""
        for number in self._of_point.get(point, []):
            end = self._seen_whole.pop(number, None)
            if end is not None:
                del self._ends[bisect_left(self._ends, end)]
                self._running.add(number)

    @property
    def horizon(self) -> float:
        """The horizon of the latest job."""
        return self._jobs[-1].horizon if self._jobs else 0.0

    def first_horizon(self) -> float | None:
        """The virtual moment up to which the next job sees everything, unless it has to wait for
        more; None while it isn't determined.
        """
        number = len(self._jobs) - self._workers
        start = self._clock.start_of(number) if number >= 0 else 0.0
        return None if start is None else max(self.horizon, start)

    def next_end(self, moment: float) -> float | None:
        """The first moment after another one at which a job's end is seen; None while it isn't
        determined.
        """
        started = self._settle()
        later = bisect_right(self._ends, moment)
        earliest = self._ends[later] if later < len(self._ends) else math.inf
        earliest_undetermined = math.inf
        if started < len(self._jobs):
            earliest_undetermined = self._clock.earliest_start()
        for number in self._running:
            if number < started:
                end = self._seen_at(number, self._extent(number))
                earliest_undetermined = min(earliest_undetermined, end)
        is_determined = earliest < math.inf and earliest <= earliest_undetermined
        return earliest if is_determined else None

    def is_settled(self, horizon: float) -> bool:
        """Whether all that is seen by then is settled."""
        started = self._settle()
        if started < len(self._jobs) and self._clock.earliest_start() < horizon:
            return False
        running = [number for number in self._running if number < started]
        return all(self._is_job_settled(number, horizon) for number in running)

    def seen_whole_at(self, point: int) -> float:
        """The moment from which no later one shows more of a point; infinite while there is none
        or it isn't determined.
        """
        numbers = self._of_point.get(point, [])
        return max((self._seen_whole.get(each, math.inf) for each in numbers), default=math.inf)

    def _settle(self) -> int:
        """Note which of the started jobs have ended; return how many have started."""
        started = self._count_started()
        for number in [each for each in self._running if each < started]:
            extent = self._extent(number)
            if extent.is_final:
                self._running.discard(number)
                self._seen_whole[number] = self._seen_at(number, extent)
                insort(self._ends, self._seen_whole[number])
        return started

    def _count_started(self) -> int:
        """Of how many jobs, the first ones, the virtual start is determined."""
        return self._clock.started(len(self._jobs)) if self._jobs else 0

    def _seen_at(self, number: int, extent: Extent) -> float:
        """The moment by which so much of a job is seen as it has come to."""
        start = self._clock.start_of(number)
        assert start is not None
        return start + extent.length * _DELAY

    def _epochs_seen(self, number: int, horizon: float) -> int:
        """How many epochs of a job would be seen by then, if it went on for ever."""
        start = self._clock.start_of(number)
        if start is None or horizon <= start:
            return 0
        cost = self._costs.cost_of(self._population.history.points[self._jobs[number].point])
        return int((horizon - start) / (cost * _DELAY) + _ROUNDING)

    def _is_job_settled(self, number: int, horizon: float) -> bool:
        needed = self._epochs_seen(number, horizon)
        if needed <= 0:
            return True
        extent = self._extent(number)
        # with just the epochs needed and no more, it may have ended there
        return extent.is_final or extent.epochs > needed

    def sight(self, point: int, horizon: float) -> Sight:
        """What has happened to a point by then, which is settled."""
        numbers = self._of_point.get(point, [])
        for number in reversed(numbers):
            if not self._clock.has_started_by(number, horizon):
                continue
            job = self._jobs[number]
            extent = self._extent(number)
            is_done = extent.is_final and self._seen_at(number, extent) <= horizon
            done = self._epochs_seen(number, horizon)
            if is_done:
                done = max(done, extent.epochs)
            first = self._population.history.points[point].trials.get(0)
            most = job.until if job.until is not None else job.begin + done
            epochs = min(job.begin + done, most, first.epochs if first else 0)
            is_over = is_done and number == numbers[-1] and self._is_over(point)
            has_come = is_done and job.until is not None and epochs >= job.until
            return Sight(epochs, job.until or 0 if has_come else job.begin, is_over)
        return Sight(0, 0, has_ended=False)

    def _plan(self, number: int) -> Extent:
        """How long a job has a worker of the ideal cluster: as long as it takes where nothing
        fails, so that nobody waits to learn it; where that isn't known, as long as it took.
        """
        job = self._jobs[number]
        point = self._population.history.points[job.point]
        end, further = job.until, 0
        if end is None:
            end = self._length_of(job.point)
            further = self._population.spec.replicates - 1
        if end is None:
            return self._extent(number)
        epochs = end - job.begin + further * end
        return Extent(max(1, epochs), True, self._costs.cost_of(point))

    def _extent(self, number: int) -> Extent:
        """How far a job is settled."""
        job = self._jobs[number]
        point = self._population.history.points[job.point]
        cost = self._costs.cost_of(point)
        if self._of_point[job.point][-1] != number:  # its trial has gone on after it
            return Extent((job.until or 0) - job.begin, True, cost)
        first = point.trials.get(0)
        if first is not None and first.waits:
            return Extent((job.until or 0) - job.begin, True, cost)
        is_over = self._is_over(job.point)
        epochs = self._epochs_in_turn(point) - job.begin
        if is_over:  # what failed in its first epoch has taken that one's time
            epochs = max(epochs, 1)
        return Extent(epochs, is_over, cost)

    def _epochs_in_turn(self, point: Point) -> int:
        """The epochs of a point, its replicates taken one after the other.

        Replicates after one that didn't complete don't count: whether they have run depends on how
        fast the others were.
        """
        epochs = 0
        for replicate in range(self._population.spec.replicates):
            trial = point.trials.get(replicate)
            if trial is None:
                break
            epochs += trial.epochs
            if trial.state != "COMPLETE":
                break
        return epochs

    def _is_over(self, point: int) -> bool:
        return point not in self._population.open_points
