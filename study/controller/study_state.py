"""What a study has come to, and the parts that decide how it goes on.

Events are the only way in which any of this changes. Each is made durable before anything of it
leaves the driver. A resume takes the journal's events in the same order through the same code, so
that what follows is what would have followed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from study.controller.choosing.promotions import Promotions
from study.controller.data_sets import DataSets
from study.controller.epoch_costs import EpochCosts
from study.controller.population import Population
from study.controller.sampler_feed import SamplerFeed
from study.controller.stop_conditions import StopConditions
from study.controller.stop_decisions import StopDecisions
from study.errors import SpecError
from study.journal.event_codec import Event, Record
from study.journal.events import (
    EpochReported,
    PointAsked,
    PointDropped,
    PointEnded,
    PointReopened,
    SessionOpened,
    StudyCreated,
    TrainingFinished,
    TrialEnded,
    TrialPromoted,
    WarmStarted,
    event_of,
)
from study.journal.history import History
from study.journal.trials import Trial

if TYPE_CHECKING:
    from study.spec.kinds.kind import Training
    from study.spec.spec import StudySpec

_PROPOSED = ("sampler", "grid")
"""Origins of points that the sampler feed proposed."""


class StudyState:
    """A study's history, and the sampler feed and the stop decisions that follow it.

    ``append`` makes records durable. See ``study.controller.controller`` for the other arguments.
    """

    def __init__(
        self,
        spec: StudySpec,
        append: Callable[..., None],
        *,
        workers: int,
        nominal_cost: Callable[[Any], float],
        reproducible: bool,
        keep_going: bool,
    ) -> None:
        self.spec = spec
        self.stopping = ""
        """Why no further trial starts and running ones stop; empty while the study goes on."""
        self.mistake = ""
        """What the user has to mend, where that is why the study stops."""
        self.population = Population(spec, reproducible=reproducible)
        self.costs = EpochCosts(spec, nominal_cost)
        self.data_sets = DataSets(spec)
        self.promotions = Promotions(self.population, workers, self.costs)
        jobs = self.promotions.jobs if self.promotions.is_on else None
        self.sampler_feed = SamplerFeed(self.population, workers, self.costs, jobs)
        self.stop_decisions = StopDecisions(self.population)
        self.stop_conditions = StopConditions(
            spec.stop, gpus=spec.resources.gpus, keep_going=keep_going
        )
        self._append = append
        self._group: list[Record] | None = None
        self._is_replaying = False

    @property
    def history(self) -> History:
        return self.population.history

    def adopt(self, spec: StudySpec) -> None:
        """Go on with another version of the spec, of more points or replicates."""
        self.spec = spec
        self.population.adopt(spec)
        self.promotions.note_extension()

    def is_stopping(self) -> bool:
        """Whether the study stops now, for whichever reason, a budget just spent among them."""
        if not self.stopping:
            self.stopping = self.stop_conditions.stop_reason(self.history)
        return bool(self.stopping)

    def stop_for_mistake(self, message: str) -> None:
        """Stop the study for what the user has to mend."""
        self.stopping = "mistake"
        self.mistake = self.mistake or message

    def training_of(self, trial: Trial) -> Training | None:
        """The training of the trial's latest attempt; None where its values can't be combined."""
        values = self.history.points[trial.point].values
        try:
            return self.spec.training(values, trial.substitutions)
        except SpecError:
            return None

    # --- recording ---

    def record(self, *events: Event) -> None:
        """Make events durable, then let them take effect.

        Within ``together`` it is the other way round: they take effect at once, and become durable
        at the end.
        """
        stamped = [event.stamped() for event in events]
        records = [event.to_record() for event in stamped]
        if self._group is None:
            self._append(*records)
        else:
            self._group.extend(records)
        for event in stamped:
            self._apply(event)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make what is recorded in this block durable at once, at its end.

        Nothing may leave the driver before the end. What has taken effect is written even where the
        block raises.
        """
        self._group = []
        try:
            yield
        finally:
            group, self._group = self._group, None
            if group:
                self._append(*group)

    def record_counted_costs(self) -> None:
        """Record the costs that the sampler feed has had counted."""
        costs = self.costs.take_unrecorded()
        if costs:
            self.record(*costs)

    def replay(self, records: Iterable[Record]) -> None:
        """Take the events of a journal up."""
        self._is_replaying = True
        for record in records:
            self._apply(event_of(record))
        self._is_replaying = False
        self.record_counted_costs()

    # --- what events change beside the history ---

    def _apply(self, event: Event) -> None:
        if self._is_replaying and isinstance(event, PointAsked) and event.origin in _PROPOSED:
            self.sampler_feed.replay(event.point, event.horizon)
        self.history.apply(event)
        self._carry_on(event)
        point = self._point_of(event)
        self.population.note_change(point)
        self.promotions.note_change(point)

    def _point_of(self, event: Event) -> int | None:
        """The point that an event is about, or whose trial; None where there is none."""
        point: int | None = getattr(event, "point", None)
        trial: int | None = getattr(event, "trial", None)
        if point is None and trial is not None:
            return self.history.trials[trial].point
        return point

    def _carry_on(self, event: Event) -> None:
        """Change what follows from an event that the history holds."""
        match event:
            case EpochReported():
                self._note_report(self.history.trials[event.trial])
            case TrialPromoted():
                trial = self.history.trials[event.trial]
                self.promotions.add_promotion(trial, event.horizon)
            case StudyCreated():
                for arm in self.population.arms:
                    arm.proposer.start.is_on = event.start == "spread"
            case WarmStarted():
                self._tell_of_earlier_points(event)
            case SessionOpened():
                self.stop_conditions.note_session_start()
            case PointAsked():
                self._add_point(event)
            case PointEnded():
                self._end_point(event)
            case PointReopened():
                self._reopen_point(event)
            case PointDropped():
                self.sampler_feed.drop(event.point)
                self.stop_conditions.note_drop(event.point)
            case TrainingFinished():
                trial = self.history.trials[event.trial]
                self.data_sets.note(trial, self.history.points[trial.point].values)
            case TrialEnded():
                self._end_trial(self.history.trials[event.trial])

    def _tell_of_earlier_points(self, event: WarmStarted) -> None:
        for point in event.trials:
            level = self.spec.level_of(point.values)
            if level is not None:
                proposer = self.population.arms[level].proposer
                proposer.add_earlier(point.values, point.state, point.value, point.reports)

    def _note_report(self, trial: Trial) -> None:
        if self._is_replaying:
            self.stop_decisions.replay(trial)
        if trial.waits and not self.sampler_feed.goes_by_clock:
            self.sampler_feed.rest(trial.point, trial.epochs)

    def _add_point(self, event: PointAsked) -> None:
        position = self.population.enter(event.point, event.level)
        self.promotions.add_point(event.point, event.horizon)
        if position is None:
            return
        proposer = position.arm.proposer
        if event.origin in _PROPOSED:
            if self._is_replaying:  # else the proposer has just proposed it
                proposer.replay(position.index, event.values)
        elif event.known:
            proposer.add(position.index, event.values)

    def _end_trial(self, trial: Trial) -> None:
        position = self.population.queue_position(trial)
        if position is not None:
            position.queue.pruner.close(position.index, trial.state)
        self.stop_conditions.note_trial_end(trial)

    def _end_point(self, event: PointEnded) -> None:
        self.population.close(event.point)
        self.sampler_feed.end(event.point)
        self.stop_conditions.note_point_end(self.history.points[event.point], self.spec.objectives)

    def _reopen_point(self, event: PointReopened) -> None:
        trial = None if event.trial is None else self.history.trials[event.trial]
        if trial is not None and not self.history.counts_for_its_point(trial):
            return
        self.population.reopen(event.point)
        self.sampler_feed.reopen(event.point, event.why)
        if trial is not None:
            self.stop_decisions.reopen(trial)
