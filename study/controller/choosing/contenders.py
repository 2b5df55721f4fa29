"""What promotions are decided from: each point's first trial, as far as it is seen by a moment."""

from __future__ import annotations

import math
from functools import cache

from study.controller.choosing.jobs import Jobs, Sight
from study.controller.choosing.seen_points import SeenPoint, SeenPoints
from study.controller.epoch_costs import EpochCosts
from study.controller.population import Population
from study.errors import SpecError
from study.journal.outcomes import objective_values
from study.journal.trials import Point, Trial
from study.sampling.promotion.rules import PromotionRule
from study.sampling.promotion.standings import Contender


class Contenders:
    """The contenders of a study's arms, by what is known now or was by a virtual moment."""

    def __init__(
        self,
        population: Population,
        rule: PromotionRule | None,
        workers: int,
        costs: EpochCosts,
    ) -> None:
        self._population = population
        self._rule = rule
        self.jobs = Jobs(population, workers, costs, self._length)
        self._lengths: dict[int, int | None] = {}
        """How many epochs each point's training has."""
        self._now = self._nothing_seen()
        self._by_clock = self._nothing_seen()

    def _nothing_seen(self) -> SeenPoints:
        next_until = self._rule.next_until if self._rule else lambda epochs, length: None
        seen = SeenPoints(len(self._population.arms), next_until)
        for point in self._population.history.points:
            seen.note_change(point.number)
        return seen

    def note_change(self, point: int) -> None:
        """Take notice that something has happened to a point."""
        self._now.note_change(point)
        self._by_clock.note_change(point)
        self.jobs.note_change(point)

    def forget(self) -> None:
        """Forget what depends on the spec: an extension may have made trainings longer."""
        self._lengths.clear()
        self._now = self._nothing_seen()
        self._by_clock = self._nothing_seen()

    def first_until(self, number: int) -> int | None:
        """The epoch after which a point's first trial waits; None where it goes on to its end."""
        if self._rule is None or self._population.arm_position(number) is None:
            return None
        return self._rule.next_until(0, self._length(number))

    def seen(self, horizon: float | None) -> SeenPoints:
        """What was seen by a virtual moment, which is settled; with None all that is known now."""
        found = self._now if horizon is None else self._by_clock
        points = self._population.history.points
        for number in found.to_look_at(math.inf if horizon is None else horizon):
            position = self._population.arm_position(number)
            found.put(
                self._look(points[number], horizon),
                position.arm.number if position else None,
                competes=not points[number].is_dropped,
            )
        return found

    def _look(self, point: Point, horizon: float | None) -> SeenPoint:
        first = point.trials.get(0)
        if horizon is None:
            has_ended = point.number not in self._population.open_points
            sight, since = Sight(first.epochs if first else 0, 0, has_ended), 0.0
        else:
            sight = self.jobs.sight(point.number, horizon)
            whole_at = self.jobs.seen_whole_at(point.number)
            since = whole_at if whole_at <= horizon else math.inf
        waits = _waits(first, sight)
        contender = self._contender(point, sight, waits)
        return SeenPoint(since, contender, not sight.has_ended and not waits)

    def _contender(self, point: Point, sight: Sight, waits: bool) -> Contender:
        first = point.trials.get(0)
        objectives = self._population.spec.objectives
        sign = objectives[0].sign

        @cache
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
            waits=first is not None and waits and self._can_go_on(first),
            is_complete=sight.has_ended and point.state == "COMPLETE",
            is_lost=sight.has_ended and is_lost,
        )

    def _can_go_on(self, trial: Trial) -> bool:
        """Whether a trial waits, and by the virtual clock, or in fact, no worker has it."""
        return trial.waits and (self._population.reproducible or not trial.is_in_flight)

    def _length(self, number: int) -> int | None:
        if number not in self._lengths:
            values = self._population.history.points[number].values
            try:
                self._lengths[number] = self._population.spec.training(values).length
            except SpecError:  # it fails before its first epoch
                self._lengths[number] = None
        return self._lengths[number]


def _waits(first: Trial | None, sight: Sight) -> bool:
    """Whether a point's first trial is seen to wait."""
    if first is None or first.until is None:
        return False
    return not sight.has_ended and sight.epochs >= first.until and not _goes_on(first)


def _goes_on(trial: Trial) -> bool:
    """Whether a trial came to its own end at the epoch where it would have waited."""
    return trial.last_epoch is not None or bool(trial.training_end)
