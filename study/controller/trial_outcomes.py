"""How trials and points come to their outcomes."""

from __future__ import annotations

from typing import Literal

from study.controller.stop_decisions import Decision, StopTrial
from study.controller.study_state import StudyState
from study.journal.events import EndState, PointDropped, PointEnded, TrialEnded, TrialStopped
from study.journal.outcomes import search_trials
from study.journal.trials import Point, Trial


class TrialOutcomes:
    """Records what the stop decisions decide, and the outcomes of points that follow from it."""

    def __init__(self, state: StudyState) -> None:
        self._state = state

    def decide(self, trial: Trial) -> None:
        """Record what the trial's latest report, or the end of its training, lets be decided."""
        for decision in self._state.stop_decisions.decide(trial):
            self._carry_out(decision)

    def take_up(self) -> None:
        """Decide what was reported but not yet decided on when the last driver went."""
        for trial in self._state.history.trials:
            if not trial.has_ended and self._state.history.points[trial.point].is_dropped:
                self.stop(trial, trial.epochs, "user")
        for trial in self._state.history.trials:
            if trial.state == "RUNNING":
                for decision in self._state.stop_decisions.take_up(trial):
                    self._carry_out(decision)
        self._conclude_open_points()

    def stop(self, trial: Trial, epoch: int, by: Literal["pruner", "user"]) -> None:
        """Record that a trial ends with this epoch."""
        self._state.record(
            TrialStopped(trial=trial.number, epoch=epoch, by=by),
            TrialEnded(trial=trial.number, state="PRUNED", epochs=epoch),
        )
        self._conclude(self._state.history.points[trial.point])

    def drop(self, point: Point, request: str) -> None:
        """Record that a point counts no more, and end what runs of it."""
        self._state.record(PointDropped(point=point.number, request=request))
        self.take_up()  # others may have waited for it

    def _carry_out(self, decision: Decision) -> None:
        if isinstance(decision, StopTrial):
            self.stop(decision.trial, decision.epoch, "pruner")
        else:
            self._end(decision.trial)

    def _end(self, trial: Trial) -> None:
        """Record the outcome of a trial whose training is over."""
        state: EndState = "COMPLETE" if trial.training_end == "finished" else "FAIL"
        self._state.record(TrialEnded(trial=trial.number, state=state, epochs=trial.epochs))
        self._conclude(self._state.history.points[trial.point])

    def _conclude(self, point: Point) -> None:
        """Record a point's outcome once all its trials have theirs and it needs no other."""
        trials = search_trials(point)
        is_open = not point.has_ended and (bool(trials) or point.is_dropped)
        if not is_open or not all(trial.has_ended for trial in trials):
            return
        population = self._state.population
        if population.next_replicate(point) is not None:
            return
        state, value = population.outcome(point)
        self._state.record(PointEnded(point=point.number, state=state, value=value))
        if self._state.spec.racing:  # others may have waited for this point's value
            self._conclude_open_points()

    def _conclude_open_points(self) -> None:
        for point in list(self._state.population.open_points.values()):
            self._conclude(point)
