"""What the sampler is told, and when: at once, or by the virtual clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.controller.population import Population
from study.journal.outcomes import RECIPE_FAULTS, objective_values, search_trials
from study.journal.trials import ENDED_STATES, Point
from study.sampling.virtual_clock import Extent, VirtualClock

if TYPE_CHECKING:
    from study.sampling.arm import Arm


_AHEAD = 2
"""So many proposals a free-running study makes ahead: two trials may end at once. What they tell,
those miss.
"""


@dataclass(frozen=True)
class Proposal:
    """Values for the arm's point ``index``; the ends of ``told`` points were known when it was
    made.
    """

    arm: Arm
    index: int
    values: dict[str, Any]
    told: int


class SamplerFeed:
    """Asks the arms for points and tells them what became of those before.

    In a reproducible study proposal *n* is made from exactly what happened before the virtual start
    of point *n - workers*; otherwise from all that is known when it is made, which may be while the
    trial runs whose end it is waited for. ``cost_of`` gives what an epoch of a point costs on that
    clock: few points need it, and those late.
    """

    def __init__(
        self, population: Population, workers: int, cost_of: Callable[[Point], float]
    ) -> None:
        self._population = population
        self._workers = workers
        self._cost_of = cost_of
        self._clock = VirtualClock(workers, self._extent)
        self._replaying = False
        self._told: set[int] = set()
        self._settled_below = 0
        self._ahead: list[Proposal] = []
        """The next proposals, made before they are asked for."""

    @property
    def clocked(self) -> bool:
        """Whether proposals go by the virtual clock: not where they don't depend on results
        anyway.
        """
        return self._population.reproducible and not self._population.arms[0].proposer.blind

    @property
    def exhausted(self) -> bool:
        return all(arm.proposer.exhausted for arm in self._population.arms)

    def propose(self) -> tuple[dict[str, Any], Arm] | None:
        """Values for the next point, from the arm whose turn it is; None while what they depend on
        isn't settled.
        """
        proposal = self._ahead.pop(0) if self._ahead else self._make()
        return (proposal.values, proposal.arm) if proposal else None

    def think_ahead(self, most: int) -> dict[str, Any] | None:
        """Make the next proposal, of ``most`` at most, before it is asked for; the values of one
        that was made.

        By the virtual clock those for all workers can be made; otherwise AHEAD, and anew where more
        has become known since. Only where that can be taken back: a sampler with a state of its own
        would not be as if never asked.
        """
        if self._ahead and not self.clocked and self._ahead[0].told < len(self._told):
            self.forget_ahead()
        room = len(self._ahead) < min(most, self._workers if self.clocked else _AHEAD)
        if not room or not all(arm.proposer.forgets for arm in self._population.arms):
            return None
        proposal = self._make()
        if proposal:
            self._ahead.append(proposal)
        return proposal.values if proposal else None

    def forget_ahead(self) -> None:
        """Take back what was proposed ahead, before another point takes its place."""
        while self._ahead:
            proposal = self._ahead.pop()
            proposal.arm.proposer.forget(proposal.index)

    def _make(self) -> Proposal | None:
        """The proposal after those made ahead."""
        if not self.catch_up(len(self._population.history.points) + len(self._ahead)):
            return None
        ahead = [proposal.arm for proposal in self._ahead]
        arms = [arm for arm in self._population.arms if not arm.proposer.exhausted]
        arm = min(arms, key=lambda arm: len(arm.points) + ahead.count(arm))
        index = len(arm.points) + ahead.count(arm)
        return Proposal(arm, index, arm.proposer.propose(index), len(self._told))

    def catch_up(self, number: int) -> bool:
        """Tell the sampler what proposal ``number`` is to see; False while that isn't settled."""
        if not self.clocked:
            return True
        lag = number - self._workers
        horizon = self._clock.began(lag) if lag >= 0 else 0.0
        if horizon is None or not (self._replaying or self._settled_by(horizon, lag)):
            return False
        for lower in range(self._settled_below, max(0, lag)):
            if lower in self._told:
                continue
            if self._clock.ended_by(lower, horizon):
                self.tell(lower)
            else:
                self._report(lower, self._clock.epochs_by(lower, horizon))
        while self._settled_below in self._told:
            self._settled_below += 1
        return True

    def replay(self, number: int) -> None:
        """Tell the sampler what it was told for a proposal that the journal holds: what that took
        was settled then.

        It has to be told at this very place. A point that is reopened later would be another one on
        the clock.
        """
        self._replaying = True
        self.catch_up(number)
        self._replaying = False

    def _settled_by(self, horizon: float, lag: int) -> bool:
        """Whether all that happens to the points below ``lag`` before the horizon is settled."""
        for lower in range(self._settled_below, max(0, lag)):
            if lower not in self._told:
                extent, needed = self._extent(lower), self._clock.epochs_by(lower, horizon)
                # with just the epochs needed and no more, it may have ended there: that has to be
                # known too
                if not extent.over and needed > 0 and extent.epochs <= needed:
                    return False
        return True

    def _extent(self, number: int) -> Extent:
        """How far a point is settled, its replicates taken one after the other.

        Those after one that didn't complete don't count: whether they have run depends on how fast
        the others were.
        """
        point = self._population.history.points[number]
        over, epochs = number not in self._population.open, 0
        passed = ("COMPLETE",) if self._population.history.whole_seeds else ENDED_STATES
        for replicate in range(self._population.spec.replicates):
            trial = point.trials.get(replicate)
            if trial is None:
                break
            found = self._population.pruner_queue(trial)
            # decisions are not replayed; of what a replayed proposal took the rows are all there
            whole = trial.state in ENDED_STATES or found is None or self._replaying
            epochs += trial.epochs if whole or found is None else found[0].decided.get(found[1], 0)
            if trial.state not in passed:
                break
        # a point that failed in its first epoch has taken that one's time
        return Extent(max(epochs, 1) if over else epochs, over, self._cost_of(point))

    def tell(self, number: int) -> None:
        """Tell the sampler how a point ended, once for each time that it did."""
        if number in self._told:
            return
        self._told.add(number)
        place = self._population.place(number)
        if place is None:
            return
        arm, index = place
        point = self._population.history.points[number]
        if arm.proposer.has_told(index):
            arm.proposer.revise(index, point.values)
        if point.state == "FAIL" and self._tell_fault(arm, index, point):
            return
        self._report(number, point.trials[0].epochs if 0 in point.trials else 0)
        arm.proposer.tell(index, point.state, point.value)

    def _tell_fault(self, arm: Arm, index: int, point: Point) -> bool:
        """Tell that a point failed by itself, so that the sampler keeps away; False where that is
        the machine's.
        """
        if not self._population.history.whole_seeds:
            fits = "out_of_memory" not in {
                trial.failure.failure_class for trial in point.trials.values() if trial.failure
            }
            if not fits:
                arm.proposer.tell_infeasible(index)
            return not fits
        faults = RECIPE_FAULTS & {
            trial.failure.failure_class for trial in search_trials(point) if trial.failure
        }
        if faults:
            arm.proposer.forget_reports(index, point.values)
            arm.proposer.tell_infeasible(index, fits="out_of_memory" not in faults)
        return bool(faults)

    def _report(self, number: int, epochs: int) -> None:
        """Pass on what a point's first replicate has shown in its first epochs."""
        place, trial = (
            self._population.place(number),
            self._population.history.points[number].trials.get(0),
        )
        if place is None or trial is None or place[0].proposer.has_told(place[1]):
            return
        arm, index = place
        for epoch in range(arm.proposer.reported(index) + 1, min(epochs, trial.epochs) + 1):
            values = objective_values(trial, self._population.spec.objectives, epoch)
            arm.proposer.report(index, epoch, values[0])

    def reopen(self, number: int, why: str) -> None:
        """A point's end is taken back. One that had failed runs again for the sampler too; of one
        that gets more seeds or epochs the sampler keeps the value that it was told until there is
        the new one.
        """
        place = self._population.place(number)
        if number not in self._told or (
            why == "extended" and place and not place[0].proposer.forgets
        ):
            return
        self._told.discard(number)
        self._settled_below = min(self._settled_below, number)
        if why == "retry" and place:
            proposer, values = place[0].proposer, self._population.history.points[number].values
            hides = (
                self._population.history.whole_seeds
                and proposer.forgets
                and proposer.has_told(place[1])
            )
            (proposer.revise if hides else proposer.add)(place[1], values)
