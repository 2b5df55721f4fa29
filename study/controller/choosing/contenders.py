"""What promotions are decided from: each point's first trial, as far as it is seen by a moment.

Most of what is seen stays as it is until something happens to the point, and is kept until then: a
decision looks at every point, and a study may have thousands.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from study.controller.choosing.jobs import Jobs, Sight
from study.controller.epoch_costs import EpochCosts
from study.controller.population import Population
from study.errors import SpecError
from study.journal.outcomes import objective_values
from study.journal.trials import Point, Trial
from study.sampling.promotion_rules import Contender, PromotionRule


@dataclass(frozen=True)
class _Seen:
    """What is seen of a point, from a moment of the virtual clock on."""

    since: float
    contender: Contender
    runs: bool
    """Whether more is to come of the point without anybody's decision."""


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
        self._known_now: dict[int, _Seen] = {}
        self._known_by_clock: dict[int, _Seen] = {}

    def note_change(self, point: int) -> None:
        """Take notice that something has happened to a point."""
        self._known_now.pop(point, None)
        self._known_by_clock.pop(point, None)
        self.jobs.note_change(point)

    def forget(self) -> None:
        """Forget what depends on the spec: an extension may have made trainings longer."""
        self._lengths.clear()
        self._known_now.clear()
        self._known_by_clock.clear()

    def first_until(self, number: int) -> int | None:
        """The epoch after which a point's first trial waits; None where it goes on to its end."""
        if self._rule is None or self._population.arm_position(number) is None:
            return None
        return self._rule.next_until(0, self._length(number))

    def by_arm(self, horizon: float | None) -> list[list[Contender]]:
        """Each arm's contenders as they were seen by a virtual moment, which is settled; with None
        as all is known now.
        """
        points = self._population.history.points
        return [
            [
                self._seen(number, horizon).contender
                for number in arm.points
                if not points[number].is_dropped
            ]
            for arm in self._population.arms
        ]

    def any_runs(self, numbers: Iterable[int], horizon: float | None) -> bool:
        """Whether more is to come of any of these points without anybody's decision."""
        return any(self._seen(number, horizon).runs for number in numbers)

    def _seen(self, number: int, horizon: float | None) -> _Seen:
        known = self._known_now if horizon is None else self._known_by_clock
        moment = math.inf if horizon is None else horizon
        seen = known.get(number)
        if seen is not None and seen.since <= moment:
            return seen
        seen = self._look(self._population.history.points[number], horizon)
        if seen.since <= moment:
            known[number] = seen
        return seen

    def _look(self, point: Point, horizon: float | None) -> _Seen:
        first = point.trials.get(0)
        if horizon is None:
            has_ended = point.number not in self._population.open_points
            sight, since = Sight(first.epochs if first else 0, 0, has_ended), 0.0
        else:
            sight = self.jobs.sight(point.number, horizon)
            since = self.jobs.seen_whole_at(point.number)
        waits = _waits(first, sight)
        contender = self._contender(point, sight, waits)
        return _Seen(since, contender, not sight.has_ended and not waits)

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
