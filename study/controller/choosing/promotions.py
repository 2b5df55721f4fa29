"""What starts next in a study whose pruner promotes trials: one that waits, or a new point.

Where a study need not be reproducible, that is decided from all that is known at that moment.
Otherwise it is decided from what had happened by a moment of the virtual clock, and only once all
of that is settled: workers' speed makes no difference. That moment, the job's horizon, is the
virtual start of the job as many places back as there are workers, so that a worker which becomes
free seldom has to wait. Where nothing can start by then, it is the next moment at which a job ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from study.controller.choosing.contenders import Contenders
from study.controller.choosing.jobs import Jobs
from study.controller.epoch_costs import EpochCosts
from study.controller.population import Population
from study.journal.trials import Trial
from study.sampling.promotion.rules import Promotion, PromotionRule, last_resort
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


class Promotions:
    """Decides on a study's next job; nothing where its pruner promotes nothing."""

    def __init__(self, population: Population, workers: int, costs: EpochCosts) -> None:
        self._population = population
        self._rule: PromotionRule | None = make_promotion_rule(population.spec.pruner)
        self.contenders = Contenders(population, self._rule, workers, costs)
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

    @property
    def jobs(self) -> Jobs:
        """The jobs so far, on the virtual clock."""
        return self.contenders.jobs

    def note_change(self, point: int | None) -> None:
        """Take notice that something has happened in the study, to this point if to any."""
        self._decided.clear()
        if self.is_on and point is not None:
            self.contenders.note_change(point)

    def note_extension(self) -> None:
        """Take notice that another version of the spec holds."""
        self._decided.clear()
        self.contenders.forget()

    # --- jobs as they are recorded ---

    def add_point(self, number: int, horizon: float | None) -> None:
        """Take in a point that was asked."""
        if self.goes_by_clock:
            self.jobs.add(number, self.contenders.first_until(number), horizon)

    def add_promotion(self, trial: Trial, horizon: float | None) -> None:
        """Take in that a trial goes on."""
        if self.goes_by_clock:
            self.jobs.add(trial.point, trial.until, horizon)

    # --- the next job ---

    def next_job(self, *, is_all_asked: bool) -> NextJob:
        """Decide what starts next. Nothing is recorded by it: asked again, it says the same."""
        if is_all_asked not in self._decided:
            self._decided[is_all_asked] = self._find_next(is_all_asked)
        return self._decided[is_all_asked]

    def _find_next(self, is_all_asked: bool) -> NextJob:
        if not self.goes_by_clock:
            return self._decide(is_all_asked, None)
        horizon = self.jobs.first_horizon()
        if horizon is not None and not is_all_asked and not self._looks():
            return StartPoint(horizon)
        while horizon is not None and self.jobs.is_settled(horizon):
            job = self._decide(is_all_asked, horizon)
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
            len(list(self._rule.promotions(standings, is_all_asked=is_all_asked)))
            for standings in self.contenders.seen(None).standings
        )

    def waiting(self) -> list[Trial]:
        """The trials that wait."""
        firsts = [point.trials.get(0) for point in self._population.open_points.values()]
        return [trial for trial in firsts if trial is not None and trial.waits]

    def _decide(self, is_all_asked: bool, horizon: float | None) -> NextJob:
        assert self._rule is not None
        seen = self.contenders.seen(horizon)
        for standings in seen.standings:
            for promotion in self._rule.promotions(standings, is_all_asked=is_all_asked):
                return self._promote(promotion, horizon)
        if not is_all_asked:
            return StartPoint(horizon)
        for arm, standings in zip(self._population.arms, seen.standings, strict=True):
            if seen.any_runs(arm.points):
                continue
            resort = last_resort(standings)
            if resort is not None:
                return self._promote(resort, horizon)
        return WaitForOthers() if seen.any_runs() else SearchOver()

    def _promote(self, promotion: Promotion, horizon: float | None) -> Promote:
        trial = self._population.history.points[promotion.point].trials[0]
        return Promote(trial, promotion.until, horizon)
