"""What the sampler is told, and when: at once, or by the virtual clock.

In a reproducible study the points that a proposal is made from must not depend on how fast workers
are. There proposal *n* sees what happened before the virtual start of point *n - workers*: the ends
of points that ended before it, and of the others the epochs that they had finished by then. It is
made once all of that is settled. Elsewhere a proposal sees all that is known when it is made.

Where the pruner promotes trials, whoever decides that a point starts says up to which virtual
moment it sees. A trial that has been set aside counts for the sampler as one that was stopped
there, until it has come farther: it would take one that runs for a bad one.

Proposals are also made ahead, while workers are busy, so that a worker that becomes free needn't
wait for one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from study.controller.choosing.jobs import Jobs
from study.controller.epoch_costs import EpochCosts
from study.controller.population import Population
from study.journal.outcomes import RECIPE_FAULTS, objective_values, search_trials
from study.journal.proposal_note import ProposalNote
from study.journal.trials import Point, Trial
from study.sampling.arm import Arm, ArmPosition
from study.sampling.virtual_clock import Extent, VirtualClock

_MADE_AHEAD = 2
"""How many proposals a study that need not be reproducible makes ahead: two trials may end at once.
What those two tell, these proposals miss.
"""


@dataclass(frozen=True)
class Proposal:
    """Values for the point ``index`` of an arm."""

    arm: Arm
    index: int
    values: dict[str, Any]
    known_ends: int
    """How many ends of points the sampler knew of, and how often it was told that one waits."""
    note: ProposalNote
    """How it came to be."""


class SamplerFeed:
    """Asks the arms' samplers for points, and tells them what became of those before.

    On the virtual clock an epoch takes as long as ``costs`` says. Few points need a cost, and those
    late: only what happens before the start of a point ``workers`` places back matters.

    With ``jobs``, those of a pruner that promotes trials, it is their clock that counts.
    """

    def __init__(
        self, population: Population, workers: int, costs: EpochCosts, jobs: Jobs | None = None
    ) -> None:
        self._population = population
        self._workers = workers
        self._costs = costs
        self._clock = VirtualClock(workers, self._extent)
        self._jobs = jobs
        self._is_replaying = False
        self._told: set[int] = set()
        """The points whose ends the samplers know."""
        self._all_told_below = 0
        """All points of lower number are among ``_told``: a place to begin looking for others."""
        self._ahead: list[Proposal] = []
        """The next proposals, made before they are asked for."""
        self._rests = 0
        """How often the sampler was told that a trial waits."""

    @property
    def goes_by_clock(self) -> bool:
        """Whether proposals go by the virtual clock; they need not where results don't matter."""
        ignores_results = self._population.arms[0].proposer.ignores_results
        return self._population.reproducible and not ignores_results

    @property
    def is_exhausted(self) -> bool:
        """Whether no arm has anything left to propose."""
        return all(arm.proposer.is_exhausted for arm in self._population.arms)

    @property
    def is_ready(self) -> bool:
        """Whether a proposal can be made now; what it takes is told to the samplers by that."""
        return bool(self._ahead) or self._catch_up(len(self._population.history.points), None)

    # --- proposals ---

    def propose(self, horizon: float | None = None) -> Proposal | None:
        """The next proposal, from the arm whose turn it is; None while what it depends on isn't
        settled. With a ``horizon`` it sees what had happened by that moment, which is settled.
        """
        if self._ahead:
            return self._ahead.pop(0)
        return self._make_proposal(horizon)

    def think_ahead(self, most: int, horizon: float | None = None) -> dict[str, Any] | None:
        """Make the next proposal, of ``most`` at most, before it is asked for.

        By the virtual clock those for all workers can be made. Otherwise it is a few, and they are
        made anew where more has become known since. Only a proposal that can be taken back is made
        ahead: a sampler with a state of its own would not be as if it had never been asked.

        Returns:
            The proposal's values; None where none was made.
        """
        if self._ahead and not self.goes_by_clock and self._ahead[0].known_ends < self._known:
            self.take_back_proposals()
        allowed = self._workers if self.goes_by_clock else _MADE_AHEAD
        if len(self._ahead) >= min(most, allowed):
            return None
        if not all(arm.proposer.can_take_back for arm in self._population.arms):
            return None
        proposal = self._make_proposal(horizon)
        if proposal is None:
            return None
        self._ahead.append(proposal)
        return proposal.values

    def take_back_proposals(self) -> None:
        """Take back what was proposed ahead, before another point takes its place."""
        while self._ahead:
            proposal = self._ahead.pop()
            proposal.arm.proposer.take_back(proposal.index)

    @property
    def _known(self) -> int:
        return len(self._told) + self._rests

    def _make_proposal(self, horizon: float | None) -> Proposal | None:
        """Make the proposal that follows those made ahead."""
        number = len(self._population.history.points) + len(self._ahead)
        if not self._catch_up(number, horizon):
            return None
        arms = [arm for arm in self._population.arms if not arm.proposer.is_exhausted]
        arm = min(arms, key=self._points_of)
        index = self._points_of(arm)
        values = arm.proposer.propose(index)
        return Proposal(arm, index, values, self._known, arm.proposer.note)

    def _points_of(self, arm: Arm) -> int:
        """How many points an arm has, those proposed ahead among them."""
        ahead = [proposal for proposal in self._ahead if proposal.arm is arm]
        return len(arm.points) + len(ahead)

    # --- what a proposal may see ---

    def replay(self, number: int, horizon: float | None = None) -> None:
        """Tell the sampler what it was told for a proposal that the journal holds.

        It has to be told at this very place of the journal, and nothing has to be waited for: what
        that took was settled then. A point that is reopened further on would be another one on the
        clock.
        """
        self._is_replaying = True
        self._catch_up(number, horizon)
        self._is_replaying = False

    def _catch_up(self, number: int, horizon: float | None) -> bool:
        """Tell the sampler what proposal ``number`` may see; False while that isn't settled."""
        if not self.goes_by_clock:
            return True
        if self._jobs is not None:
            self._see_jobs(self._jobs, self._jobs.horizon if horizon is None else horizon)
            return True
        return self._see_points(number)

    def _see_jobs(self, jobs: Jobs, horizon: float) -> None:
        """Tell the sampler what had happened by a moment."""
        for number in range(self._all_told_below, len(self._population.history.points)):
            if number in self._told:
                continue
            sight = jobs.sight(number, horizon)
            if sight.has_ended:
                self.tell(number)
            elif sight.rung:
                self.rest(number, sight.rung)
            else:
                self._report(number, sight.epochs)
        self._pass_over_told()

    def _see_points(self, number: int) -> bool:
        """Tell the sampler what had happened when the point ``workers`` places back started; False
        while that isn't settled.
        """
        started_points = number - self._workers
        horizon = 0.0
        if started_points >= 0:
            start = self._clock.start_of(started_points)
            if start is None:
                return False
            horizon = start
        untold = [
            lower
            for lower in range(self._all_told_below, max(0, started_points))
            if lower not in self._told
        ]
        if not self._is_replaying and not all(self._is_settled(n, horizon) for n in untold):
            return False
        for lower in untold:
            if self._clock.has_ended_by(lower, horizon):
                self.tell(lower)
            else:
                self._report(lower, self._clock.epochs_by(lower, horizon))
        self._pass_over_told()
        return True

    def _pass_over_told(self) -> None:
        while self._all_told_below in self._told:
            self._all_told_below += 1

    def _is_settled(self, number: int, horizon: float) -> bool:
        """Whether all that happens to a point before the horizon is settled."""
        extent = self._extent(number)
        needed = self._clock.epochs_by(number, horizon)
        if extent.is_final or needed <= 0:
            return True
        # With just the epochs needed and no more, it may have ended there: that must be known too.
        return extent.epochs > needed

    def _extent(self, number: int) -> Extent:
        """How far a point is settled, its replicates taken one after the other.

        Replicates after one that didn't complete don't count: whether they have run depends on how
        fast the others were.
        """
        history = self._population.history
        point = history.points[number]
        has_ended = number not in self._population.open_points
        epochs = 0
        for replicate in range(self._population.spec.replicates):
            trial = point.trials.get(replicate)
            if trial is None:
                break
            epochs += self._settled_epochs(trial)
            goes_on = trial.state == "COMPLETE" if history.whole_seeds else trial.has_ended
            if not goes_on:
                break
        if has_ended:  # a point that failed in its first epoch has taken that one's time
            epochs = max(epochs, 1)
        return Extent(epochs, has_ended, self._costs.cost_of(point))

    def _settled_epochs(self, trial: Trial) -> int:
        """How many of a trial's epochs can't be cut off any more."""
        position = self._population.queue_position(trial)
        if position is None or trial.has_ended:
            return trial.epochs
        # Decisions are not replayed, but all the rows that a replayed proposal saw are there.
        if self._is_replaying:
            return trial.epochs
        return position.queue.decided_epoch(position.index)

    # --- telling ---

    def end(self, number: int) -> None:
        """Take notice that a point has ended: by the virtual clock the sampler is told later."""
        if not self.goes_by_clock:
            self.tell(number)

    def tell(self, number: int) -> None:
        """Tell the sampler how a point ended, once for each time that it did."""
        if number in self._told:
            return
        self._told.add(number)
        position = self._population.arm_position(number)
        point = self._population.history.points[number]
        if position is None or point.is_dropped:
            return
        proposer, index = position.arm.proposer, position.index
        if proposer.knows_end_of(index):
            proposer.take_back_end(index, point.values)
        if point.state == "FAIL" and self._tell_fault(position, point):
            return
        first = point.trials.get(0)
        self._report(number, first.epochs if first else 0)
        proposer.tell(index, point.state, point.value)

    def rest(self, number: int, epochs: int) -> None:
        """Tell the sampler that a point's first trial was set aside after so many epochs.

        A sampler with a state of its own can't be told twice: for that one the trial runs on.
        """
        position = self._population.arm_position(number)
        if position is None or self._population.history.points[number].is_dropped:
            return
        proposer, index = position.arm.proposer, position.index
        if not proposer.can_take_back:
            self._report(number, epochs)
            return
        if proposer.knows_end_of(index):
            if proposer.reported_epochs(index) >= epochs:
                return
            proposer.take_back_end(index, self._population.history.points[number].values)
        self._report(number, epochs)
        proposer.tell(index, "PRUNED", None)
        self._rests += 1

    def _tell_fault(self, position: ArmPosition, point: Point) -> bool:
        """Tell that a point's recipe fails by itself, so that the sampler keeps away from it.

        Returns:
            False where the failure was the machine's, and says nothing of the recipe.
        """
        proposer, index = position.arm.proposer, position.index
        if not self._population.history.whole_seeds:
            is_too_large = "out_of_memory" in _failure_classes(point.trials.values())
            if is_too_large:
                proposer.tell_infeasible(index, fits=False)
            return is_too_large
        faults = RECIPE_FAULTS & _failure_classes(search_trials(point))
        if faults:
            proposer.take_back_reports(index, point.values)
            proposer.tell_infeasible(index, fits="out_of_memory" not in faults)
        return bool(faults)

    def _report(self, number: int, epochs: int) -> None:
        """Pass on what a point's first replicate has shown in its first epochs."""
        position = self._population.arm_position(number)
        trial = self._population.history.points[number].trials.get(0)
        if position is None or trial is None:
            return
        proposer, index = position.arm.proposer, position.index
        if proposer.knows_end_of(index):
            return
        objectives = self._population.spec.objectives
        first, last = proposer.reported_epochs(index) + 1, min(epochs, trial.epochs)
        for epoch in range(first, last + 1):
            proposer.report(index, epoch, objective_values(trial, objectives, epoch)[0])

    def drop(self, number: int) -> None:
        """Have the sampler learn nothing of a point any more."""
        self.take_back_proposals()
        position = self._population.arm_position(number)
        if position is not None:
            position.arm.proposer.forget(position.index)

    def reopen(self, number: int, why: Literal["retry", "extended"]) -> None:
        """Take notice that a point's end was taken back.

        A point that had failed and is tried again runs for the sampler too. Of one that gets more
        seeds or epochs the sampler keeps the value that it was told until there is the new one.
        """
        position = self._population.arm_position(number)
        if number not in self._told:
            return
        if why == "extended" and position and not position.arm.proposer.can_take_back:
            return  # a sampler with a state of its own can't be told twice
        self._told.discard(number)
        self._all_told_below = min(self._all_told_below, number)
        if why == "retry" and position:
            self._run_again(position, self._population.history.points[number])

    def _run_again(self, position: ArmPosition, point: Point) -> None:
        """Have a point count as running for the sampler, which was told that it failed."""
        proposer, index = position.arm.proposer, position.index
        hides_its_end = (
            self._population.history.whole_seeds
            and proposer.can_take_back
            and proposer.knows_end_of(index)
        )
        if hides_its_end:
            proposer.take_back_end(index, point.values)
        else:
            proposer.add(index, point.values)


def _failure_classes(trials: Iterable[Trial]) -> set[str]:
    return {trial.failure.failure_class for trial in trials if trial.failure}
