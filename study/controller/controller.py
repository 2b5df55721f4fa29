"""The controller: decides what runs next, who stops, and what the sampler is told. It knows nothing
of Ray.

It holds the study's history and asks for one thing at a time: whoever executes trials asks ``next``
when a worker is free and passes on what workers say (``placed``, ``reported``, ``finished``,
``failed``). Every step is made durable through ``record`` before anything of it leaves the driver.
On a resume ``replay`` takes the journal's events in the same order through the same code, so that
what follows is what would have followed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from study.controller.confirmation import Confirmation, confirmations
from study.controller.epoch_rows import fault_in, storable
from study.controller.population import Population
from study.controller.retries import DEATHS, dies_in_place, may_retry, substitutions
from study.controller.sampler_feed import SamplerFeed
from study.controller.stop_conditions import StopConditions
from study.controller.stop_decisions import StopDecisions
from study.errors import SpecError, StudyHalted
from study.journal.event_codec import Event, Record
from study.journal.events import (
    AttemptFailed,
    AttemptPlaced,
    AttemptStarted,
    EndState,
    EpochReported,
    Origin,
    PointAsked,
    PointCosted,
    PointEnded,
    PointReopened,
    SessionOpened,
    TrainingFinished,
    TrialEnded,
    TrialKind,
    TrialStopped,
    WarmStarted,
    event_of,
)
from study.journal.failure import Failure
from study.journal.history import History
from study.journal.outcomes import search_trials
from study.journal.ranking import is_outgrown
from study.journal.trials import ENDED_STATES, Point, Trial

if TYPE_CHECKING:
    from study.spec.spec import StudySpec
    from study.training.recipe.recipe import Recipe


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


class Wait:
    """Nothing can start now: what comes next depends on trials that are running."""


class Done:
    """Nothing is left to start, now or later."""


Next = Assignment | Wait | Done

_PROPOSED = ("sampler", "grid")
"""Origins of points that the sampler feed proposed."""
_NO_COST = 1.0
"""Of an epoch, on the virtual clock, of a point that has none: next to nothing."""


class Controller:
    """Drives one study from its spec and history.

    ``record`` appends events durably; ``nominal_cost`` gives a recipe's cost per epoch on the
    virtual clock; ``workers`` is the concurrency that the study was created with.
    """

    def __init__(
        self,
        spec: StudySpec,
        record: Callable[..., None],
        *,
        workers: int,
        nominal_cost: Callable[[Recipe], float],
        reproducible: bool,
        keep_going: bool = False,
    ) -> None:
        self.spec = spec
        self.stopping = ""
        """Why no further trial starts and running ones stop: empty while the study goes on."""
        self.population = Population(spec, reproducible=reproducible)
        self._record_durably = record
        self._group: list[Record] | None = None
        self._nominal_cost = nominal_cost
        self._put_together = lru_cache(maxsize=16)(lambda parts: spec.recipe(*json.loads(parts)))
        self._counts_costs = False
        self._sampler_feed = SamplerFeed(self.population, workers, self._cost_of)
        self._stop_decisions = StopDecisions(self.population, self._prune, self._end)
        self._stop_conditions = StopConditions(
            spec.stop, gpus=spec.resources.gpus, keep_going=keep_going
        )
        self._replaying = False
        self._undecided: dict[int, int] = {}

    @property
    def history(self) -> History:
        return self.population.history

    # --- events: the one way in which anything changes ---

    def record(self, *events: Event) -> None:
        """Make events durable, then let them take effect; within ``together``, in the other
        order.
        """
        stamped = [event.stamped() for event in events]
        records = [event.to_record() for event in stamped]
        if self._group is None:
            self._record_durably(*records)
        else:
            self._group.extend(records)
        for event in stamped:
            self._absorb(event)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is recorded in this block becomes durable at once, at its end: nothing may leave the
        driver before.
        """
        self._group = []
        try:
            yield
        finally:  # what has taken effect is written whatever came of the block
            group, self._group = self._group, None
            if group:
                self._record_durably(*group)

    def replay(self, records: Iterable[Record]) -> None:
        """Take up a journal's events."""
        self._replaying = True
        for record in records:
            self._absorb(event_of(record))
        self._replaying = False

    def take_up(self) -> None:
        """Decide what was reported but not yet decided when the last driver went."""
        for trial in self.history.trials:
            if trial.state == "RUNNING":
                if self.population.reproducible:
                    self._stop_decisions.settle(trial)
                elif self._undecided.get(trial.number) == trial.epochs and not trial.training_end:
                    self._prune(trial, trial.epochs)
                self._end(trial)
        for point in list(self.population.open.values()):
            self._conclude(point)

    def _absorb(self, event: Event) -> None:
        if isinstance(event, PointAsked) and self._replaying and event.origin in _PROPOSED:
            self._sampler_feed.replay(event.point)
        self.history.apply(event)
        match event:
            case EpochReported():
                self._show_again(event)
            case WarmStarted():
                self._remember(event)
            case SessionOpened():
                self._stop_conditions.note_session_start()
            case PointAsked():
                self._enter(event)
            case TrialEnded():
                self._close_trial(event)
            case PointEnded():
                self._close_point(event)
            case PointReopened():
                self._reopen(event)

    def _remember(self, event: WarmStarted) -> None:
        """Tell the samplers of an earlier study's points."""
        for point in event.trials:
            level = self.spec.level_of(point.values)
            if level is not None:
                proposer = self.population.arms[level].proposer
                proposer.remember(point.values, point.state, point.value, point.reports)

    def _enter(self, event: PointAsked) -> None:
        place = self.population.enter(event.point, event.level)
        if place is None:
            return
        arm, index = place
        if event.origin in ("first", "user"):
            if event.known:
                arm.proposer.add(index, event.values)
        elif self._replaying:
            arm.proposer.replay(index, event.values)

    def _show_again(self, event: EpochReported) -> None:
        # what the pruners were shown before, they are shown again; what they answered then is in
        # the journal
        if self._replaying and not self.population.reproducible:
            trial = self.history.trials[event.trial]
            if self._stop_decisions.loses(trial):
                self._undecided[trial.number] = trial.epochs

    def _close_trial(self, event: TrialEnded) -> None:
        trial = self.history.trials[event.trial]
        found = self.population.pruner_queue(trial)
        if found:
            found[0].pruner.close(found[1], trial.state)
        self._stop_conditions.note_trial_end(trial)

    def _close_point(self, event: PointEnded) -> None:
        number = event.point
        self.population.open.pop(number, None)
        if not self._sampler_feed.clocked:
            self._sampler_feed.tell(number)
        self._stop_conditions.note_point_end(self.history.points[number], self.spec.objectives)

    def _reopen(self, event: PointReopened) -> None:
        trial = None if event.trial is None else self.history.trials[event.trial]
        if trial and not self.history.counts_for_its_point(trial):
            return
        self.population.reopen(event.point)
        self._sampler_feed.reopen(event.point, event.why)
        if trial:
            self._stop_decisions.reopen(trial)

    # --- what runs next ---

    def next(self) -> Next:
        """What a free worker shall do."""
        if self.is_stopping():
            return Done()
        for point in list(self.population.open.values()):
            for trial in search_trials(point):
                if trial.is_idle:
                    return self._start(trial)
            replicate = self.population.next_replicate(point)
            if isinstance(replicate, int):
                return self._start_new(point, replicate, "search")
        if self._all_asked:
            return Wait() if self.population.open else self._next_confirmation()
        asked = self._ask_next()
        return self._start_new(asked, 0, "search") if asked else Wait()

    def is_stopping(self) -> bool:
        """Whether the study stops now, be it that a budget has just been spent."""
        self.stopping = self.stopping or self._stop_conditions.stop_reason(self.history)
        return bool(self.stopping)

    @property
    def _all_asked(self) -> bool:
        asked = self._asked_by_file
        return asked >= self.spec.points or (
            asked >= len(self.spec.first) and self._sampler_feed.exhausted
        )

    @property
    def _asked_by_file(self) -> int:
        """The points that the study file stands for: all but those that a user added by hand."""
        return len(self.history.points) - self.history.user_points

    def nothing_left(self) -> bool:
        """Whether everything that the file asks for has its outcome."""
        return (
            self._all_asked
            and not self.population.open
            and all(map(self._is_confirmed, confirmations(self.population)))
        )

    def _is_confirmed(self, confirmation: Confirmation) -> bool:
        """Whether a fresh seed has its outcome, at the length that trainings have now."""
        point, _, trial = confirmation
        outgrown = trial is not None and self.history.whole_seeds and is_outgrown(trial, point)
        return trial is not None and trial.state in ENDED_STATES and not outgrown

    def halt(self) -> StudyHalted:
        """The error for a study that only fails."""
        return self._stop_conditions.halt()

    def _start_new(self, point: Point, replicate: int, kind: TrialKind) -> Next:
        return self._attempt(len(self.history.trials), point.number, replicate, kind, 1, 0, {})

    def _start(self, trial: Trial) -> Next:
        """A further attempt at a trial that was interrupted, failed and may be tried again, or was
        reopened.
        """
        attempt = len(trial.attempts) + 1
        changed = substitutions(trial, self.recipe_of(trial))
        return self._attempt(
            trial.number, trial.point, trial.replicate, trial.kind, attempt, trial.epochs, changed
        )

    def _attempt(
        self,
        number: int,
        point: int,
        replicate: int,
        kind: TrialKind,
        attempt: int,
        epochs: int,
        substitutions: Mapping[str, Any],
    ) -> Next:
        """Record an attempt and hand it out; the replicate's number is its seed."""
        self.record(
            AttemptStarted(
                trial=number,
                point=point,
                replicate=replicate,
                seed=replicate,
                attempt=attempt,
                kind=kind,
                epochs=epochs,
                substitutions=dict(substitutions),
            )
        )
        trial = self.history.trials[number]
        recipe = self.recipe_of(trial)
        if recipe is None:
            message = "the sampled values don't make a valid recipe together"
            self.failed(number, attempt, Failure("invalid", message))
            return self.next()
        seconds = trial.rows[-1].get("seconds", 0.0) if trial.rows else 0.0
        return Assignment(
            number, attempt, point, replicate, recipe.model_dump(mode="json"), epochs, seconds
        )

    def recipe_of(self, trial: Trial) -> Recipe | None:
        """The trial's recipe, or None where its values can't be combined."""
        try:
            return self._recipe(
                self.history.points[trial.point].values, trial.seed, trial.substitutions
            )
        except SpecError:
            return None

    def _ask_next(self) -> Point | None:
        """The next point, recorded; None while what it may depend on isn't settled."""
        number, entry = len(self.history.points), self._asked_by_file
        if entry < len(self.spec.first):
            self._ask(self.spec.first_values(entry), "first", entry=entry)
        else:
            proposal = self._sampler_feed.propose()
            if proposal is None:
                return None
            values, arm = proposal
            self._ask(
                values, "grid" if self.spec.sampler.name == "grid" else "sampler", level=arm.number
            )
        return self.history.points[number]

    @property
    def goes_by_cost(self) -> bool:
        """Whether proposals to come will ask what the points before them cost."""
        return self._sampler_feed.clocked and not self._all_asked

    def think_ahead(self) -> None:
        """Use a quiet moment for what the next point will need; it isn't recorded before it is
        asked for.
        """
        if self.stopping or self._all_asked:
            return
        entry = self._asked_by_file
        if entry < len(self.spec.first):
            values: Mapping[str, Any] | None = self.spec.first_values(entry)
        else:
            values = self._sampler_feed.think_ahead(self.spec.points - entry)
        if values is not None:
            with suppress(SpecError):  # judged when the point is asked for
                self._recipe(values, 0, {})
                self._nominal(values)

    def add_point(self, values: Mapping[str, Any]) -> int:
        """Put a point of the user's own next; its number."""
        self._sampler_feed.forget_ahead()
        self._ask(values, "user")
        return len(self.history.points) - 1

    def _ask(
        self,
        values: Mapping[str, Any],
        origin: Origin,
        *,
        entry: int | None = None,
        level: int | None = None,
    ) -> None:
        """Record a point; ``level`` is found from its values where the proposal didn't come from
        one.
        """
        known = level is not None or self.spec.params_of(values) is not None
        self.record(
            PointAsked(
                point=len(self.history.points),
                values=dict(values),
                origin=origin,
                entry=entry,
                level=self.spec.level_of(values) if level is None else level,
                nominal=self._nominal(values),
                known=known,
            )
        )

    def _nominal(self, values: Mapping[str, Any]) -> float | None:
        """What an epoch of a point costs on the virtual clock, once that is asked for: counting
        needs torch.
        """
        return self._counted(values) if self._counts_costs else None

    def _cost_of(self, point: Point) -> float:
        """The same for a point that was asked, recorded where it wasn't."""
        if point.epoch_cost is None:
            self._counts_costs = True
            self.record(PointCosted(point=point.number, nominal=self._counted(point.values)))
        return point.epoch_cost or _NO_COST

    def _counted(self, values: Mapping[str, Any]) -> float:
        try:
            return self._nominal_cost(self._recipe(values, 0, {}))
        except (
            SpecError
        ):  # the values don't go together: the trial fails before it has cost anything
            return _NO_COST

    def _recipe(self, values: Mapping[str, Any], seed: int, changed: Mapping[str, Any]) -> Recipe:
        """A recipe; of the last few none is put together twice, so that a point thought of ahead is
        quick to start.
        """
        return self._put_together(json.dumps([dict(values), seed, dict(changed)]))

    # --- confirmation ---

    def _next_confirmation(self) -> Next:
        running = False
        for point, replicate, trial in confirmations(self.population):
            if trial is None:
                return self._start_new(point, replicate, "confirm")
            if self.history.whole_seeds and is_outgrown(trial, point):
                self.record(PointReopened(point=point.number, trial=trial.number, why="extended"))
            if trial.is_idle:
                return self._start(trial)
            running |= trial.state not in ENDED_STATES
        return Wait() if running else Done()

    # --- what workers say ---

    def _current(self, trial: int, attempt: int) -> Trial | None:
        """The trial, if this attempt is the one that holds it: an attempt that outlived its node
        isn't heard.
        """
        found = self.history.trials[trial] if trial < len(self.history.trials) else None
        return found if found and found.is_in_flight and found.attempt.number == attempt else None

    def holds(self, trial: int, attempt: int) -> bool:
        """Whether this attempt still is the trial's, and its training wanted."""
        return self._current(trial, attempt) is not None

    def placed(self, trial: int, attempt: int, place: Mapping[str, Any]) -> None:
        if self._current(trial, attempt):
            self.record(AttemptPlaced(trial=trial, attempt=attempt, **place))

    def reported(self, number: int, attempt: int, row: Mapping[str, Any]) -> bool:
        """Take an epoch's row; whether the trial goes on."""
        trial = self._current(number, attempt)
        if trial is None:
            return False
        epoch = row["epoch"]
        if epoch <= trial.epochs:
            return True
        problem = fault_in(
            row, trial.epochs + 1, [objective.metric for objective in self.spec.objectives]
        )
        if problem:
            self.failed(number, attempt, problem)
            return False
        metrics = {
            name: storable(value) for name, value in row.items() if name not in ("epoch", "last")
        }
        last = bool(row.get("last"))
        self.record(
            EpochReported(trial=number, attempt=attempt, epoch=epoch, last=last, metrics=metrics)
        )
        self._stop_decisions.decide(trial)
        return trial.state == "RUNNING"

    def finished(
        self, number: int, attempt: int, stop_reason: str, summary: Mapping[str, Any]
    ) -> None:
        """The training came to its own end."""
        trial = self._current(number, attempt)
        if trial is None:
            return
        kept = {name: storable(value) for name, value in summary.items()}
        self.record(
            TrainingFinished(trial=number, attempt=attempt, stop_reason=stop_reason, summary=kept)
        )
        self._stop_decisions.decide(trial)
        self._end(trial)

    def failed(self, number: int, attempt: int, failure: Failure) -> None:
        """The attempt failed; it is tried again as often as the study file says for its class."""
        trial = self._current(number, attempt)
        if trial is None:
            return
        if failure.failure_class == "storage":
            self.stopping = "fault"
        if dies_in_place(trial, failure):
            # a process that was killed from outside looks the same, but doesn't die at one place
            # again and again
            message = (
                f"its process has died {DEATHS} times after epoch {trial.epochs}: {failure.message}"
            )
            failure = Failure("error", message, failure.details)
        retry = may_retry(self.spec.trial, trial, failure.failure_class, self.recipe_of(trial))
        self.record(AttemptFailed(trial=number, attempt=attempt, failure=failure, retry=retry))
        if not retry:
            self._stop_decisions.decide(trial)
            self._end(trial)

    def stop_trial(self, number: int) -> bool:
        """End one trial at the user's wish, where it stands; whether there was one to end."""
        trial = self.history.trials[number] if 0 <= number < len(self.history.trials) else None
        if trial is None or trial.state in ENDED_STATES:
            return False
        self._stop(trial, trial.epochs, "user")
        self._stop_decisions.decide(trial)
        return True

    # --- outcomes ---

    def _prune(self, trial: Trial, epoch: int) -> None:
        self._stop(trial, epoch, "pruner")

    def _stop(self, trial: Trial, epoch: int, by: Literal["pruner", "user"]) -> None:
        self.record(
            TrialStopped(trial=trial.number, epoch=epoch, by=by),
            TrialEnded(trial=trial.number, state="PRUNED", epochs=epoch),
        )
        self._conclude(self.history.points[trial.point])

    def _end(self, trial: Trial) -> None:
        """End a trial whose training is over and whose decisions are all taken."""
        if (
            not trial.training_end
            or trial.state in ENDED_STATES
            or not self._stop_decisions.is_settled(trial)
        ):
            return
        state: EndState = "COMPLETE" if trial.training_end == "finished" else "FAIL"
        self.record(TrialEnded(trial=trial.number, state=state, epochs=trial.epochs))
        self._conclude(self.history.points[trial.point])

    def _conclude(self, point: Point) -> None:
        """Tell the point's outcome once all its trials have theirs and no further one starts."""
        trials = search_trials(point)
        if (
            point.state in ENDED_STATES
            or not trials
            or any(trial.state not in ENDED_STATES for trial in trials)
        ):
            return
        if self.population.next_replicate(point) is not None:
            return
        state, value = self.population.outcome(point)
        self.record(PointEnded(point=point.number, state=state, value=value))
        if self.spec.racing:
            for other in list(self.population.open.values()):
                self._conclude(other)
