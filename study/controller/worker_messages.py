"""What workers say of their trials, and what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from study.controller.epoch_rows import differing_figures, fault_in, storable
from study.controller.retries import DEATHS, dies_in_place, may_retry
from study.controller.study_state import StudyState
from study.controller.trial_outcomes import TrialOutcomes
from study.journal.events import (
    AttemptFailed,
    AttemptPlaced,
    AttemptSetAside,
    EpochRepeated,
    EpochReported,
    Placement,
    SetAsideReason,
    TrainingFinished,
)
from study.journal.failure import MISTAKE, Failure
from study.journal.trials import Trial

_RETURNED = "returned"
"""Why an own training ends as far as its worker knows."""


class WorkerMessages:
    """Records what workers say, and has it decided on.

    A worker speaks for one attempt at a trial. It isn't listened to once the trial has another
    attempt or its outcome: its node may have been cut off for a while, and come back.
    """

    def __init__(self, state: StudyState, outcomes: TrialOutcomes) -> None:
        self._state = state
        self._outcomes = outcomes

    def current_trial(self, number: int, attempt: int) -> Trial | None:
        """The trial, if this attempt is the one that holds it; None else."""
        trials = self._state.history.trials
        if number >= len(trials):
            return None
        trial = trials[number]
        return trial if trial.is_in_flight and trial.attempt.number == attempt else None

    def placed(self, number: int, attempt: int, placement: Placement) -> None:
        """A worker took the attempt up."""
        if self.current_trial(number, attempt):
            self._state.record(AttemptPlaced(trial=number, attempt=attempt, **placement))

    def reported(self, number: int, attempt: int, row: Mapping[str, Any]) -> bool:
        """An epoch is finished; says whether the trial goes on.

        An epoch that is known already is passed over: a training that was interrupted repeats those
        after its last checkpoint.
        """
        trial = self.current_trial(number, attempt)
        if trial is None:
            return False
        if row["epoch"] <= trial.epochs:
            return True
        spec = self._state.spec
        metrics = [objective.metric for objective in spec.objectives]
        fault = fault_in(row, trial.epochs + 1, metrics, is_own=spec.train is not None)
        if fault:
            self.failed(number, attempt, fault)
            return False
        report = EpochReported(
            trial=number,
            attempt=attempt,
            epoch=row["epoch"],
            last=bool(row.get("last")),
            metrics=_storable_figures(row, without=("epoch", "last")),
        )
        self._state.record(report)
        self._outcomes.decide(trial)
        return trial.state == "RUNNING"

    def repeated(self, number: int, attempt: int, row: Mapping[str, Any]) -> None:
        """An epoch that is known was trained once more, after an interruption: its row stands.

        Where the figures came out otherwise, the attempt's first such epoch is recorded.
        """
        trial = self.current_trial(number, attempt)
        if trial is None or trial.attempt.differs_at or not 1 <= row["epoch"] <= trial.epochs:
            return
        differing = differing_figures(trial.rows[row["epoch"] - 1], row)
        if differing:
            self._state.record(
                EpochRepeated(trial=number, attempt=attempt, epoch=row["epoch"], metrics=differing)
            )

    def finished(
        self, number: int, attempt: int, stop_reason: str, summary: Mapping[str, Any]
    ) -> None:
        """The training came to its own end."""
        trial = self.current_trial(number, attempt)
        if trial is None:
            return
        end = TrainingFinished(
            trial=number,
            attempt=attempt,
            stop_reason=self._reason(trial, stop_reason),
            summary=_storable_figures(summary),
        )
        self._state.record(end)
        self._outcomes.decide(trial)

    def _reason(self, trial: Trial, stop_reason: str) -> str:
        """Why a training came to its own end: a function that returned may have done its epochs."""
        training = self._state.training_of(trial) if stop_reason == _RETURNED else None
        has_done_all = training is not None and training.length == trial.epochs
        return "epochs" if has_done_all else stop_reason

    def set_aside(self, number: int, attempt: int, epoch: int, why: SetAsideReason) -> None:
        """The attempt has made way, with the state after ``epoch`` saved; at the epoch where its
        trial waits to be promoted that is why, whoever else has asked for room.
        """
        trial = self.current_trial(number, attempt)
        if trial is None:
            return
        if trial.waits:
            why = "rung"
        self._state.record(AttemptSetAside(trial=number, attempt=attempt, epoch=epoch, why=why))

    def broken_off(self, number: int, attempt: int, why: SetAsideReason) -> None:
        """The attempt has made way within an epoch."""
        trial = self.current_trial(number, attempt)
        if trial:
            event = AttemptSetAside(
                trial=number, attempt=attempt, epoch=trial.epochs, why=why, broken_off=True
            )
            self._state.record(event)

    def failed(self, number: int, attempt: int, failure: Failure) -> None:
        """The attempt failed; it is tried again as often as the study file says for its class.

        A mistake that every trial would repeat stops the study instead, and the trial is still to
        be done once it is mended.
        """
        trial = self.current_trial(number, attempt)
        if trial is None:
            return
        if failure.failure_class == "storage":
            self._state.stopping = "fault"
        is_mistake = bool(failure.details.get(MISTAKE))
        if is_mistake:
            self._state.stop_for_mistake(failure.message)
        if dies_in_place(trial, failure):
            failure = _own_doing(trial, failure)
        point = self._state.history.points[trial.point]
        retry = is_mistake or may_retry(self._state.spec, point, trial, failure.failure_class)
        self._state.record(
            AttemptFailed(trial=number, attempt=attempt, failure=failure, retry=retry)
        )
        if not retry:
            self._outcomes.decide(trial)


def _own_doing(trial: Trial, failure: Failure) -> Failure:
    """The failure of a trial whose process has died again and again at one place.

    A process that was killed from outside looks the same, but doesn't die so regularly.
    """
    message = f"its process has died {DEATHS} times after epoch {trial.epochs}: {failure.message}"
    return Failure("error", message, failure.details)


def _storable_figures(figures: Mapping[str, Any], without: tuple[str, ...] = ()) -> dict[str, Any]:
    return {name: storable(value) for name, value in figures.items() if name not in without}
