"""What starts next in a study whose pruner promotes trials: one that waits, or a new point.

Where a study need not be reproducible, that is decided from all that is known at that moment.
Otherwise it is decided from what had happened by a moment of the virtual clock, and only once all
of that is settled: workers' speed makes no difference. That moment, the job's horizon, is the
virtual start of the job as many places back as there are workers, so that a worker which becomes
free seldom has to wait. Where nothing can start by then, it is the next moment at which a job ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from study.controller.choosing.jobs import Jobs, Sight
from study.controller.epoch_costs import EpochCosts
from study.controller.population import Population
from study.errors import SpecError
from study.journal.outcomes import objective_values
from study.journal.trials import Point, Trial
from study.sampling.arm import Arm
from study.sampling.promotion_rules import (
    Contender,
    Promotion,
    PromotionRule,
    last_resort,
)
from study.sampling.pruning import make_promotion_rule


@dataclass(frozen=True)
class Promote:
    """A trial that waits goes on."""

    trial: Trial
    until: int | None
    horizon: float | None
    """The virtual moment up to which all was seen, where that counts."""


@dataclass(frozen=True)
class StartPoint:
    """A new point starts."""

    horizon: float | None


class WaitForOthers:
    """What comes next depends on trials that are running."""


class SearchOver:
    """No point is left, and nothing that waits will go on."""


NextJob = Promote | StartPoint | WaitForOthers | SearchOver
_See = Callable[[int], Sight]
"""What is seen of a point, by its number."""


class Promotions:
    """Decides on a study's next job; nothing where its pruner promotes nothing."""

    def __init__(self, population: Population, workers: int, costs: EpochCosts) -> None:
        self._population = population
        self._rule: PromotionRule | None = make_promotion_rule(population.spec.pruner)
        self.jobs = Jobs(population, workers, costs, self._length)
        self._lengths: dict[int, int | None] = {}
        """How many epochs each point's training has, by the spec of ``_spec``."""
        self._spec = population.spec
        self._decided: dict[bool, NextJob] = {}
        """The next job by whether all points are asked, as long as nothing has changed."""

    @property
    def is_on(self) -> bool:
        """Whether the study's pruner promotes trials."""
        return self._rule is not None

    @property
    def goes_by_clock(self) -> bool:
        """Whether decisions go by the virtual clock."""
        return self.is_on and self._population.reproducible

    def note_change(self) -> None:
        """Take notice that something has happened in the study."""
        self._decided.clear()

    # --- jobs as they are recorded ---

    def add_point(self, number: int, horizon: float | None) -> None:
        """Take in a point that was asked."""
        if self.goes_by_clock:
            self.jobs.add(number, self.first_until(number), horizon)

    def add_promotion(self, trial: Trial, horizon: float | None) -> None:
        """Take in that a trial goes on."""
        if self.goes_by_clock:
            self.jobs.add(trial.point, trial.until, horizon)

    def first_until(self, number: int) -> int | None:
        """The epoch after which a point's first trial waits; None where it goes on to its end."""
        if self._rule is None or self._population.arm_position(number) is None:
            return None
        return self._rule.next_until(0, self._length(number))

    # --- the next job ---

    def next_job(self, *, is_all_asked: bool) -> NextJob:
        """Decide what starts next. Nothing is recorded by it: asked again, it says the same."""
        if is_all_asked not in self._decided:
            self._decided[is_all_asked] = self._find_next(is_all_asked)
        return self._decided[is_all_asked]

    def _find_next(self, is_all_asked: bool) -> NextJob:
        if not self.goes_by_clock:
            return self._decide(self._see_now, is_all_asked, None)
        horizon = self.jobs.first_horizon()
        if horizon is not None and not is_all_asked and not self._looks():
            return StartPoint(horizon)
        while horizon is not None and self.jobs.is_settled(horizon):
            job = self._decide(self._see_by(horizon), is_all_asked, horizon)
            if not isinstance(job, WaitForOthers):
                return job
            horizon = self.jobs.next_end(horizon)
        return WaitForOthers()

    def _looks(self) -> bool:
        """Whether anything is looked at as long as points are left to be asked."""
        assert self._rule is not None
        ignores_results = self._population.arms[0].proposer.ignores_results
        return self._rule.looks_before_all_are_asked or not ignores_results

    def count_promotable(self, *, is_all_asked: bool) -> int:
        """How many trials that wait could go on by all that is known now."""
        if self._rule is None:
            return 0
        return sum(
            len(list(self._rule.promotions(contenders, is_all_asked=is_all_asked)))
            for contenders in map(self._contenders_known, self._population.arms)
        )

    def waiting(self) -> list[Trial]:
        """The trials that wait."""
        firsts = [point.trials.get(0) for point in self._population.open_points.values()]
        return [trial for trial in firsts if trial is not None and trial.waits]

    def _decide(self, see: _See, is_all_asked: bool, horizon: float | None) -> NextJob:
        assert self._rule is not None
        arms = [self._contenders(arm, see) for arm in self._population.arms]
        for contenders in arms:
            for promotion in self._rule.promotions(contenders, is_all_asked=is_all_asked):
                return self._promote(promotion, horizon)
        if not is_all_asked:
            return StartPoint(horizon)
        for arm, contenders in zip(self._population.arms, arms, strict=True):
            if any(self._runs(number, see) for number in arm.points):
                continue
            resort = last_resort(contenders)
            if resort is not None:
                return self._promote(resort, horizon)
        points = self._population.history.points
        if any(self._runs(point.number, see) for point in points):
            return WaitForOthers()
        return SearchOver()

    def _promote(self, promotion: Promotion, horizon: float | None) -> Promote:
        trial = self._population.history.points[promotion.point].trials[0]
        return Promote(trial, promotion.until, horizon)

    # --- what is seen ---

    def _see_now(self, number: int) -> Sight:
        first = self._population.history.points[number].trials.get(0)
        has_ended = number not in self._population.open_points
        return Sight(first.epochs if first else 0, 0, has_ended)

    def _see_by(self, horizon: float) -> _See:
        return lambda number: self.jobs.sight(number, horizon)

    def _runs(self, number: int, see: _See) -> bool:
        """Whether more is to come of a point without anybody's decision."""
        sight = see(number)
        return not sight.has_ended and not self._waits(number, sight)

    def _waits(self, number: int, sight: Sight) -> bool:
        first = self._population.history.points[number].trials.get(0)
        if first is None or first.until is None:
            return False
        return not sight.has_ended and sight.epochs >= first.until and not _goes_on(first)

    def _can_go_on(self, trial: Trial) -> bool:
        """Whether a trial waits, and by the virtual clock, or in fact, no worker has it."""
        return trial.waits and (self.goes_by_clock or not trial.is_in_flight)

    def _contenders_known(self, arm: Arm) -> list[Contender]:
        return self._contenders(arm, self._see_now)

    def _contenders(self, arm: Arm, see: _See) -> list[Contender]:
        points = [self._population.history.points[number] for number in arm.points]
        return [self._contender(point, see) for point in points if not point.is_dropped]

    def _contender(self, point: Point, see: _See) -> Contender:
        sight = see(point.number)
        first = point.trials.get(0)
        sign = self._population.spec.objectives[0].sign
        objectives = self._population.spec.objectives

        def merit(epoch: int) -> float:
            assert first is not None  # it has finished an epoch
            return sign * objective_values(first, objectives, epoch)[0]

        trials = point.trials.values()
        is_lost = point.state == "FAIL" or any(trial.stopped_by == "user" for trial in trials)
        return Contender(
            point=point.number,
            length=self._length(point.number),
            epochs=sight.epochs,
            merit=merit,
            until=first.until if first else self.first_until(point.number),
            # one that has ended since, by the user's wish, can't go on whatever was seen of it
            waits=first is not None and self._can_go_on(first) and self._waits(point.number, sight),
            is_complete=sight.has_ended and point.state == "COMPLETE",
            is_lost=sight.has_ended and is_lost,
        )

    def _length(self, number: int) -> int | None:
        spec = self._population.spec
        if spec is not self._spec:  # an extension may have made trainings longer
            self._spec = spec
            self._lengths.clear()
        if number not in self._lengths:
            values = self._population.history.points[number].values
            try:
                self._lengths[number] = spec.training(values).length
            except SpecError:  # it fails before its first epoch
                self._lengths[number] = None
        return self._lengths[number]


def _goes_on(trial: Trial) -> bool:
    """Whether a trial came to its own end at the epoch where it would have waited."""
    return trial.last_epoch is not None or bool(trial.training_end)
