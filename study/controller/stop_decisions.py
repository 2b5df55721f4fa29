"""Which trials stop, and when that is settled.

Where a study need not be reproducible, a trial is compared at each epoch with all that is known at
that moment, and the decision is taken at once.

In a reproducible study the order in which workers happen to report must not matter. There a trial
is compared, at each epoch, with the trials of lower number that reach this epoch. So the decision
waits until each of these has reached the epoch and been decided on there, or has ended before it.
Meanwhile the trial runs on; where the decision is to stop it, the epochs after that one are cut off
again.

After a training's last epoch nothing is asked. The built-in training says with the row which epoch
is its last. Of an own one it is known by its length; where it has none, an epoch is decided on once
there is another one, or the training has ended.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from study.controller.population import Population
from study.errors import SpecError
from study.journal.outcomes import objective_values
from study.journal.trials import Trial
from study.sampling.arm import Arm, PrunerQueue


@dataclass(frozen=True)
class StopTrial:
    """The trial shall not go on: its epochs after ``epoch`` don't count."""

    trial: Trial
    epoch: int


@dataclass(frozen=True)
class EndTrial:
    """The trial's training is over and all its epochs are decided on: it has its outcome."""

    trial: Trial


Decision = StopTrial | EndTrial


class StopDecisions:
    """Decides which trials stop or end, from what a study's trials have reported.

    Decisions are yielded one by one, and each must be recorded before the next one is asked for: a
    trial that is stopped, and a point that ends with it, no longer hold up the trials behind them.
    """

    def __init__(self, population: Population) -> None:
        self._population = population
        self._stops_on_replay: dict[int, int] = {}
        """By trial number the epoch at which the pruner, shown the journal's reports once more,
        would have stopped the trial.
        """

    def decide(self, trial: Trial) -> Iterator[Decision]:
        """Decide what the trial's latest report, or the end of its training, lets be decided."""
        if self._population.reproducible:
            yield from self._decide_queue(trial)
        elif not trial.has_ended and not trial.training_end and self._loses(trial):
            yield StopTrial(trial, self._latest_to_decide(trial))
        yield from self._end_if_decided(trial)

    def replay(self, trial: Trial) -> None:
        """Show the pruner a report of the journal again, in a study that need not be reproducible.

        What it decided at that time is in the journal too, unless the driver died in between.
        """
        if not self._population.reproducible and self._loses(trial):
            self._stops_on_replay[trial.number] = self._latest_to_decide(trial)

    def take_up(self, trial: Trial) -> Iterator[Decision]:
        """Decide what the last driver had left undecided of a trial without an outcome."""
        if self._population.reproducible:
            yield from self._decide_queue(trial)
        elif not trial.training_end:
            epoch = self._latest_to_decide(trial)
            if self._stops_on_replay.get(trial.number) == epoch:
                yield StopTrial(trial, epoch)
        yield from self._end_if_decided(trial)

    def reopen(self, trial: Trial) -> None:
        """Let a trial that had ended be decided on again."""
        position = self._population.queue_position(trial)
        if position is not None:
            position.queue.reenter(position.index)

    def _loses(self, trial: Trial) -> bool:
        """Ask the pruner about the trial's latest epoch, against all that is known now."""
        position = self._population.queue_position(trial)
        spec = self._population.spec
        epoch = self._latest_to_decide(trial)
        if position is None or epoch < 1 or self._is_last(trial, epoch):
            return False
        values = objective_values(trial, spec.objectives, epoch)
        return position.queue.pruner.stops(position.index, epoch, values)

    def _latest_to_decide(self, trial: Trial) -> int:
        """The latest epoch of which it is known whether it is the training's last."""
        if self._population.spec.train is None or trial.training_end or trial.has_ended:
            return trial.epochs
        length = self._length(trial)
        is_known = length is not None and trial.epochs <= length
        return trial.epochs if is_known else trial.epochs - 1

    def _is_last(self, trial: Trial, epoch: int) -> bool:
        """Whether training comes to its own end with this epoch."""
        length = self._length(trial)
        if length is None or epoch > length or trial.stopped_at is not None:
            return is_last_epoch(trial, epoch)
        return epoch == length  # whether it has ended before that, its worker's speed would say

    def _length(self, trial: Trial) -> int | None:
        """How many epochs an own training has, as far as that is known; None for the built-in."""
        spec = self._population.spec
        if spec.train is None:
            return None
        values = self._population.history.points[trial.point].values
        try:
            return spec.training(values, trial.substitutions).length
        except SpecError:
            return None

    def _is_decided(self, trial: Trial) -> bool:
        """Whether every decision on the trial's epochs is taken."""
        position = self._population.queue_position(trial)
        if position is None or not self._population.reproducible:
            return True
        return position.queue.decided_epoch(position.index) >= trial.epochs

    def _end_if_decided(self, trial: Trial) -> Iterator[Decision]:
        if trial.training_end and not trial.has_ended and self._is_decided(trial):
            yield EndTrial(trial)

    def _decide_queue(self, trial: Trial) -> Iterator[Decision]:
        """Take all decisions that are determined by now in this trial's queue."""
        queue_position = self._population.queue_position(trial)
        arm_position = self._population.arm_position(trial.point)
        if queue_position is None or arm_position is None:
            return
        queue, arm = queue_position.queue, arm_position.arm
        # The epochs on which every trial before is decided. A pruner that never stops a trial has
        # none wait for another.
        limit = math.inf
        pending = queue.pending if queue.pruner.can_stop else [queue_position.index]
        for index in list(pending):
            candidate = self._trial_at(arm, index, trial.replicate)
            if candidate is not None:
                yield from self._decide_epochs(queue, index, candidate, limit)
                is_done = candidate.has_ended and self._is_decided(candidate)
                decided = queue.decided_epoch(index)
            else:  # its trial may still come, unless the point has ended without one
                is_done = arm.points[index] not in self._population.open_points
                decided = 0
            if is_done and index in queue.pending:
                queue.pending.remove(index)
            elif queue.pruner.can_stop:
                limit = min(limit, decided)

    def _trial_at(self, arm: Arm, index: int, replicate: int) -> Trial | None:
        point = self._population.history.points[arm.points[index]]
        return point.trials.get(replicate)

    def _decide_epochs(
        self, queue: PrunerQueue, index: int, trial: Trial, limit: float
    ) -> Iterator[Decision]:
        """Decide on the trial's epochs in their order, up to ``limit``.

        The last epoch of a training needs no decision, and so waits for no other trial: there is
        nothing left to stop.
        """
        objectives = self._population.spec.objectives
        for epoch in range(queue.decided_epoch(index) + 1, self._latest_to_decide(trial) + 1):
            is_last = self._is_last(trial, epoch)
            if epoch > limit and not is_last:
                return
            stops = not is_last and queue.pruner.stops(
                index, epoch, objective_values(trial, objectives, epoch)
            )
            queue.decided_epochs[index] = epoch
            # An ended trial is shown to the pruner only for others to be compared with.
            if stops and not trial.has_ended:
                yield StopTrial(trial, epoch)
                return
        yield from self._end_if_decided(trial)


def is_last_epoch(trial: Trial, epoch: int) -> bool:
    """Whether training came to its own end with this epoch."""
    if trial.stopped_at is not None:  # the last row that is left is where it was stopped
        return False
    is_last_reported = trial.training_end == "finished" and epoch == trial.epochs
    return trial.last_epoch == epoch or is_last_reported
