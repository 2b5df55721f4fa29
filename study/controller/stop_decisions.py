"""Stop decisions, as the journal will hold them: at once, or settled by number.

In a reproducible study a decision on point *n* at an epoch waits until every lower point that
reaches this epoch has reached it and been decided on there; meanwhile trial *n* runs on, and a stop
that comes late cuts its rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from study.controller.population import Population
from study.journal.outcomes import objective_values
from study.journal.trials import ENDED_STATES, Trial
from study.sampling.arm import Arm


class StopDecisions:
    """Decides which trials stop; ``stop(trial, epoch)`` and ``end(trial)`` make a decision take
    effect.
    """

    def __init__(
        self,
        population: Population,
        stop: Callable[[Trial, int], None],
        end: Callable[[Trial], None],
    ) -> None:
        self._population = population
        self._stop = stop
        self._end = end

    def decide(self, trial: Trial) -> None:
        """Decide what the trial's newest epoch lets be decided."""
        if self._population.reproducible:
            self.settle(trial)
        elif not trial.training_end and self.loses(trial):
            self._stop(trial, trial.epochs)

    def loses(self, trial: Trial) -> bool:
        """Ask the pruner about the trial's newest epoch, against all that is known now."""
        found = self._population.pruner_queue(trial)
        if found is None or _is_last(trial, trial.epochs):
            return False
        queue, index = found
        return queue.pruner.stops(
            index,
            trial.epochs,
            objective_values(trial, self._population.spec.objectives, trial.epochs),
        )

    def is_settled(self, trial: Trial) -> bool:
        """Whether every decision on the trial's epochs is taken."""
        found = self._population.pruner_queue(trial)
        if found is None or not self._population.reproducible:
            return True
        queue, index = found
        return queue.decided.get(index, 0) >= trial.epochs

    def settle(self, trial: Trial) -> None:
        """Take all decisions that are determined by now among the trials of this one's arm and
        replicate number.
        """
        found, place = self._population.pruner_queue(trial), self._population.place(trial.point)
        if found is None or place is None:
            return
        queue, arm = found[0], place[0]
        limit = math.inf  # the epochs that every lower trial is decided on
        for index in list(queue.open):
            point = self._population.history.points[arm.points[index]]
            candidate = point.trials.get(trial.replicate)
            if candidate is None and point.number in self._population.open:
                limit = 0 if queue.pruner.asks else limit
                continue
            if candidate is not None:
                self._decide(arm, index, candidate, limit)
            if candidate is None or (
                candidate.state in ENDED_STATES and self.is_settled(candidate)
            ):
                queue.open.remove(index)
            elif queue.pruner.asks:
                limit = min(limit, queue.decided.get(index, 0))

    def _decide(self, arm: Arm, index: int, trial: Trial, limit: float) -> None:
        """Take a trial's decisions in the order of its epochs, as far as the lower trials are
        decided.
        """
        queue = arm.pruner_queue(trial.replicate)
        while (epoch := queue.decided.get(index, 0) + 1) <= trial.epochs:
            last = _is_last(trial, epoch)
            if not last and epoch > limit:
                return
            values = objective_values(trial, self._population.spec.objectives, epoch)
            stops = not last and queue.pruner.stops(index, epoch, values)
            queue.decided[index] = epoch
            if stops and trial.state not in ENDED_STATES:
                self._stop(trial, epoch)
                return
        self._end(trial)

    def reopen(self, trial: Trial) -> None:
        """An ended trial runs again: it may be decided on again."""
        found = self._population.pruner_queue(trial)
        if found is not None and found[1] not in found[0].open:
            found[0].open = sorted([*found[0].open, found[1]])


def _is_last(trial: Trial, epoch: int) -> bool:
    """Whether training came to its own end with this epoch, so that there is nothing to stop."""
    if (
        trial.stopped_at is not None
    ):  # its rows were cut back: the last of them is where it was stopped
        return False
    return trial.last_epoch == epoch or (trial.training_end == "finished" and epoch == trial.epochs)
