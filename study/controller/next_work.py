"""What a free worker does next.

Trials of open points come first: attempts that are to be repeated, then further replicates. Then
comes a new point, as long as the study file asks for more, or one that waits is promoted, and after
the search the confirmation.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from study.controller.choosing.confirmation import Confirmation, confirmations
from study.controller.choosing.promotions import Promote, SearchOver, StartPoint
from study.controller.retries import substitutions_for
from study.controller.study_state import StudyState
from study.controller.trial_outcomes import TrialOutcomes
from study.controller.worker_messages import WorkerMessages
from study.errors import SpecError
from study.journal.events import (
    AttemptStarted,
    Origin,
    PointAsked,
    PointReopened,
    TrialKind,
    TrialPromoted,
)
from study.journal.failure import Failure
from study.journal.history import History
from study.journal.outcomes import search_trials
from study.journal.proposal_note import ProposalNote
from study.journal.ranking import is_outgrown
from study.journal.trials import Point, Trial

if TYPE_CHECKING:
    from study.spec.spec import StudySpec


@dataclass(frozen=True)
class Assignment:
    """One attempt at one trial, as plain data for a worker."""

    trial: int
    attempt: int
    point: int
    replicate: int
    recipe: dict[str, Any]
    epochs_reported: int
    seconds_used: float
    data_hash: str
    """That of the images which other trials of the same data had; empty where there is none."""
    seed: int
    train: str | None
    """The function of an own training, of which ``recipe`` is the config; None for a recipe."""
    epochs: int | None
    """How many epochs the training has, as far as that is known."""
    until: int | None = None
    """The epoch after which the trial is set aside, to wait; None where it goes on to its end."""


class WaitForTrials:
    """Nothing can start now: what comes next depends on trials that are running."""


class NothingLeft:
    """Nothing is left to start, now or later."""


Work = Assignment | WaitForTrials | NothingLeft


class NextWork:
    """Finds the next attempt to hand out, and asks for the points that it takes."""

    def __init__(
        self, state: StudyState, outcomes: TrialOutcomes, messages: WorkerMessages
    ) -> None:
        self._state = state
        self._outcomes = outcomes
        self._messages = messages

    @property
    def _spec(self) -> StudySpec:
        return self._state.spec

    @property
    def _history(self) -> History:
        return self._state.history

    def next(self) -> Work:
        """What a free worker shall do."""
        if self._state.is_stopping():
            return NothingLeft()
        for point in self._state.population.startable_points():
            for trial in search_trials(point):
                if trial.is_idle:
                    return self._start_again(trial)
            replicate = self._state.population.next_replicate(point)
            if isinstance(replicate, int):
                return self._start_new(point, replicate, "search")
        if self._state.promotions.is_on:
            return self._next_job()
        if self.is_all_asked:
            search_goes_on = bool(self._state.population.open_points)
            return WaitForTrials() if search_goes_on else self._next_confirmation()
        asked = self._ask_next()
        return self._start_new(asked, 0, "search") if asked else WaitForTrials()

    def _next_job(self) -> Work:
        """Start what comes next where the pruner promotes trials."""
        job = self._state.promotions.next_job(is_all_asked=self.is_all_asked)
        self._state.record_counted_costs()
        match job:
            case Promote(trial):
                if trial.is_in_flight:  # its worker is about to put it down
                    return WaitForTrials()
                promoted = TrialPromoted(trial=trial.number, until=job.until, horizon=job.horizon)
                self._state.record(promoted)
                return self._start_again(trial)
            case StartPoint():
                asked = self._ask_next(job.horizon)
                return self._start_new(asked, 0, "search") if asked else WaitForTrials()
            case SearchOver():
                self.end_waiting()
                return self._next_confirmation()
        return WaitForTrials()

    def end_waiting(self) -> None:
        """End the trials that wait to be promoted, where none of them will be any more."""
        promotions = self._state.promotions
        if not promotions.is_on or not promotions.waiting():
            return
        if isinstance(promotions.next_job(is_all_asked=self.is_all_asked), SearchOver):
            for trial in promotions.waiting():
                self._outcomes.stop(trial, trial.epochs, "pruner")

    def count_startable(self) -> int:
        """How many attempts could start now if there were workers for them, at most.

        Nothing is recorded or proposed by it.
        """
        if self._state.stopping:
            return 0
        count = 0
        for point in self._state.population.startable_points():
            count += sum(trial.is_idle for trial in search_trials(point))
            count += isinstance(self._state.population.next_replicate(point), int)
        promotions = self._state.promotions
        if promotions.is_on:
            count += promotions.count_promotable(is_all_asked=self.is_all_asked)
        if not self.is_all_asked:
            left = self._spec.points - self._asked_by_file
            if promotions.is_on:
                return count + left
            is_written = self._asked_by_file < len(self._spec.first)
            return count + (left if is_written or self._state.sampler_feed.is_ready else 0)
        if self._state.population.open_points:
            return count
        return count + sum(
            trial is None or trial.is_idle or self._is_outgrown(trial, point)
            for point, _, trial in confirmations(self._state.population)
        )

    @property
    def is_all_asked(self) -> bool:
        """Whether all points have been asked that the study file stands for."""
        asked = self._asked_by_file
        if asked >= self._spec.points:
            return True
        return asked >= len(self._spec.first) and self._state.sampler_feed.is_exhausted

    def is_nothing_left(self) -> bool:
        """Whether everything that the study file asks for has its outcome."""
        if not self.is_all_asked or self._state.population.open_points:
            return False
        return all(self._is_confirmed(each) for each in confirmations(self._state.population))

    @property
    def goes_by_cost(self) -> bool:
        """Whether proposals to come will ask what the points before them cost."""
        by_clock = self._state.sampler_feed.goes_by_clock or self._state.promotions.goes_by_clock
        return by_clock and not self.is_all_asked

    # --- points ---

    def think_ahead(self) -> None:
        """Use a quiet moment for what the next point will need.

        The point isn't recorded before it is asked for.
        """
        if self._state.stopping or self.is_all_asked:
            return
        entry = self._asked_by_file
        values: Mapping[str, Any] | None
        if entry < len(self._spec.first):
            values = self._spec.first_values(entry)
        else:
            values = self._propose_ahead(self._spec.points - entry)
            self._state.record_counted_costs()
        if values is not None:
            with suppress(SpecError):  # reported when the point is asked for
                self._spec.training(values)
                self._state.costs.cost_of_new(values)

    def _propose_ahead(self, most: int) -> dict[str, Any] | None:
        """Make the next proposal before it is asked for; None where none was made.

        By the virtual clock a pruner that promotes has the next job decided first: only that one.
        """
        if not self._state.promotions.goes_by_clock:
            return self._state.sampler_feed.think_ahead(most)
        job = self._state.promotions.next_job(is_all_asked=False)
        if not isinstance(job, StartPoint):
            return None
        return self._state.sampler_feed.think_ahead(1, job.horizon)

    def add_point(self, values: Mapping[str, Any], request: str) -> int:
        """Put a point of the user's own next, and give its number."""
        self._state.sampler_feed.take_back_proposals()
        self._ask(values, "user", request=request)
        return len(self._history.points) - 1

    @property
    def _asked_by_file(self) -> int:
        """How many points were asked that the study file stands for, so none that a user added."""
        return len(self._history.points) - self._history.user_points

    def _ask_next(self, horizon: float | None = None) -> Point | None:
        """Record the next point, decided on by what had happened by a virtual moment where there is
        one; None while what it may depend on isn't settled.
        """
        entry = self._asked_by_file
        if entry < len(self._spec.first):
            self._ask(self._spec.first_values(entry), "first", entry=entry, horizon=horizon)
            return self._history.points[-1]
        proposal = self._state.sampler_feed.propose(horizon)
        self._state.record_counted_costs()
        if proposal is None:
            return None
        origin: Origin = "grid" if self._spec.sampler.name == "grid" else "sampler"
        self._ask(
            proposal.values,
            origin,
            level=proposal.arm.number,
            note=proposal.note,
            horizon=horizon,
        )
        return self._history.points[-1]

    def _ask(
        self,
        values: Mapping[str, Any],
        origin: Origin,
        *,
        entry: int | None = None,
        level: int | None = None,
        request: str = "",
        note: ProposalNote | None = None,
        horizon: float | None = None,
    ) -> None:
        """Record a point. Its level is found from its values unless it was proposed for one."""
        is_known = level is not None or self._spec.params_of(values) is not None
        asked = PointAsked(
            point=len(self._history.points),
            values=dict(values),
            origin=origin,
            entry=entry,
            level=self._spec.level_of(values) if level is None else level,
            nominal=self._state.costs.cost_of_new(values),
            known=is_known,
            request=request,
            note=note,
            horizon=horizon,
        )
        self._state.record(asked)

    # --- confirmation ---

    def _next_confirmation(self) -> Work:
        is_running = False
        for point, replicate, trial in confirmations(self._state.population):
            if trial is None:
                return self._start_new(point, replicate, "confirm")
            if self._is_outgrown(trial, point):
                reopened = PointReopened(point=point.number, trial=trial.number, why="extended")
                self._state.record(reopened)
            if trial.is_idle:
                return self._start_again(trial)
            is_running |= not trial.has_ended
        return WaitForTrials() if is_running else NothingLeft()

    def _is_confirmed(self, confirmation: Confirmation) -> bool:
        """Whether a fresh seed has its outcome, at the length that trainings have now."""
        point, _, trial = confirmation
        return trial is not None and trial.has_ended and not self._is_outgrown(trial, point)

    def _is_outgrown(self, trial: Trial, point: Point) -> bool:
        return self._history.whole_seeds and is_outgrown(trial, point)

    # --- attempts ---

    def _start_new(self, point: Point, replicate: int, kind: TrialKind) -> Work:
        """Start a point's trial on a further seed."""
        started = AttemptStarted(
            trial=len(self._history.trials),
            point=point.number,
            replicate=replicate,
            seed=replicate,
            attempt=1,
            kind=kind,
            epochs=0,
            substitutions={},
            until=self._first_until(point, replicate, kind),
        )
        return self._hand_out(started)

    def _start_again(self, trial: Trial) -> Work:
        """Start a further attempt at a trial that was interrupted, failed or reopened."""
        point = self._history.points[trial.point]
        started = AttemptStarted(
            trial=trial.number,
            point=trial.point,
            replicate=trial.replicate,
            seed=trial.replicate,
            attempt=len(trial.attempts) + 1,
            kind=trial.kind,
            epochs=trial.epochs,
            substitutions=dict(substitutions_for(self._spec, point, trial)),
            until=trial.until,
        )
        return self._hand_out(started)

    def _first_until(self, point: Point, replicate: int, kind: TrialKind) -> int | None:
        """The epoch after which a new trial waits to be promoted, where its pruner judges it."""
        is_judged = kind == "search" and replicate == 0
        return self._state.promotions.contenders.first_until(point.number) if is_judged else None

    def _hand_out(self, started: AttemptStarted) -> Work:
        """Record an attempt and give it; the next one instead where its recipe can't be made."""
        self._state.record(started)
        trial = self._history.trials[started.trial]
        training = self._state.training_of(trial)
        if training is None:
            message = "the sampled values don't make a valid recipe together"
            self._messages.failed(trial.number, started.attempt, Failure("invalid", message))
            return self.next()
        return Assignment(
            trial=trial.number,
            attempt=started.attempt,
            point=trial.point,
            replicate=trial.replicate,
            recipe=training.tree(trial.seed),
            epochs_reported=started.epochs,
            seconds_used=trial.rows[-1].get("seconds", 0.0) if trial.rows else 0.0,
            data_hash=self._state.data_sets.hash_for(self._history.points[trial.point].values),
            seed=trial.seed,
            train=self._spec.train,
            epochs=training.length,
            until=started.until,
        )
