"""The session: what a training function is given, and how it talks with its study.

>>> def train(config, session):
...     saved = session.restore()
...     for epoch in range(session.epoch, config["epochs"]):
...         session.report({"loss": loss}, state={"model": model.state_dict()})
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from study.errors import StudyError
from study.training.checkpoint import CheckpointState, CheckpointStore
from study.training.own.metrics import (
    OWN_TIMES,
    MetricNameRefused,
    checked_metrics,
    missing_objective,
    not_finite,
)
from study.training.own.state import SavingPace, check_state, copy_state
from study.training.own.surroundings import OwnRow, Surroundings
from study.training.runtime.failures import FailureDetails, Stopped, TrainingFailure
from study.training.runtime.randomness import random_states, restore_random_states

_GOES_ON, _OVER, _REFUSED = "goes on", "over", "refused"
"""What has come of the first worker's report."""


class Session:
    """A training function's connection with its study."""

    def __init__(
        self,
        surroundings: Surroundings,
        checkpoints: CheckpointStore,
        *,
        report: Callable[[OwnRow], bool],
        repeated: Callable[[OwnRow], None],
        note_state: Callable[[], None] = lambda: None,
        heartbeat: Callable[[], None],
        keep: Callable[[Path, str], None],
        reported: int,
    ) -> None:
        """``report`` gets the rows of epochs after ``reported`` and answers whether to go on;
        ``repeated`` is called for the others, and ``note_state`` before a report that has a state.
        Both and ``heartbeat`` may raise Stopped.
        """
        self.seed = surroundings.seed
        """The number of the replicate; random, numpy and torch are seeded with it."""
        self.device = surroundings.device
        self.folder = surroundings.folder
        """A folder to write in, this attempt's alone and gone after it."""
        self.data_dir = surroundings.data_dir
        """Where the study's data lie."""
        self.attempt = surroundings.attempt
        """Which attempt at the trial this is, from 1."""
        self.rank = surroundings.team.place.rank
        """Which of the trial's workers this is, from 0."""
        self.workers = surroundings.team.place.workers
        """How many processes train the trial together; torch.distributed joins several."""
        self.epoch = 0
        """The epoch of the state that ``restore`` has given; 0 without one."""
        self._surroundings = surroundings
        self._checkpoints = checkpoints
        self._pass_on = report
        self._repeated = repeated
        self._note_state = note_state
        self._heartbeat = heartbeat
        self._keep = keep
        self._reported = reported
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._pace = SavingPace()
        self._began = time.perf_counter()
        self._saved: CheckpointState | None = None
        """The newest checkpoint of the attempts before, until training has gone on from there."""
        self._unsaved: CheckpointState | None = None
        """The last one with a state, where it was too early to save it."""
        self._best: dict[str, Any] = {}
        self._history: list[OwnRow] = []
        self.failure: Exception | None = None
        """What has ended the training though its function may not know why."""
        self.is_stopped = False

    # -- for the training function --

    def restore(self) -> dict[str, Any] | None:
        """Return the newest state that was reported, its tensors on the CPU; None without one.

        The states of random, numpy and torch are set to what they were then, and ``epoch`` to the
        state's. To be called before the first report.
        """
        self._check_caller("restore")
        if len(self._history) > self.epoch:
            raise RuntimeError("session.restore() comes before the first report")
        if self._saved is None:
            return None
        saved = self._saved
        self.epoch = saved["epoch"]
        self._history = list(saved["history"])
        self._best = saved.get("best", {})
        self._began = time.perf_counter() - saved["seconds"]
        restore_random_states(saved["random"], self.device)
        state: dict[str, Any] = saved["state"]
        return state

    def report(self, metrics: Mapping[str, Any], state: Mapping[str, Any] | None = None) -> None:
        """Report the next epoch's metrics, and the state from which training can go on after it.

        Returns where training goes on, and raises ``study.Stopped`` where not. Metrics are numbers
        by name; a state is a dict of tensors and plain data. TypeError or ValueError where they are
        not: then nothing is reported. A name that no metric can have, and an objective that is
        missing or not finite, end the training.

        Every worker calls it: what the first one reports counts, and all hear whether to go on.
        """
        self._check_caller("report")
        with self._lock:
            self._stop_if_over()
            if self.rank:
                self._follow()
            elif self.workers > 1:
                self._lead(metrics, state)
            else:
                self._report(metrics, state)

    def heartbeat(self) -> None:
        """Say that training goes on, as often as you like; raises ``study.Stopped`` where not.

        From the first call on, silence for longer than the study file's ``trial.heartbeat_s``
        counts as a hang.
        """
        self._check_caller("heartbeat")
        with self._lock:
            self._stop_if_over()
            self._guarded(self._heartbeat)

    def keep(self, path: str | Path, name: str | None = None) -> None:
        """Copy a file or a folder into the trial's folder, whole, under its own name or another.

        What was kept under that name before is replaced. Of several workers the first one keeps.
        """
        self._check_caller("keep")
        kept = Path(path)
        with self._lock:
            self._stop_if_over()
            if self.rank:
                return
            self._guarded(lambda: self._keep(kept, kept.name if name is None else name))

    # -- for whoever runs it --

    def take_up(self) -> None:
        """Read the newest checkpoint, and report the epochs that it alone knows of."""
        team = self._surroundings.team
        saved = team.hand_out(self._checkpoints.latest() if not self.rank else None)
        self._saved = saved
        rows: list[OwnRow] = saved["history"] if saved else []
        for row in rows[self._reported :]:
            self._reported = int(row["epoch"] or 0)
            self._answer(team.agree(self._pass_on(row) if not self.rank else True))

    @property
    def is_over(self) -> bool:
        """Whether the training was told to end."""
        return self.is_stopped or self.failure is not None

    @property
    def has_reported(self) -> bool:
        """Whether any epoch of the trial is known."""
        return bool(self._history or self._reported)

    @property
    def seconds(self) -> float:
        """How long training has taken up to the last report."""
        return float(self._history[-1]["seconds"] or 0.0) if self._history else 0.0

    def end(self) -> None:
        """Save what was reported last, where it was not saved yet."""
        if self._unsaved is not None:
            unsaved = self._unsaved
            self._guarded(lambda: self._save(unsaved))

    # -- a report --

    def _report(self, metrics: Mapping[str, Any], state: Mapping[str, Any] | None) -> None:
        numbers = self._checked(metrics)
        if state is not None:
            check_state(state)
        self._demand_objectives(numbers)
        self._take(numbers, state)

    def _lead(self, metrics: Mapping[str, Any], state: Mapping[str, Any] | None) -> None:
        """Report, and tell the other workers what has come of it."""
        verdict = _OVER
        try:
            self._report(metrics, state)
            verdict = _GOES_ON
        except (TypeError, ValueError):
            verdict = _REFUSED
            raise
        finally:
            self._guarded(lambda: self._tell(verdict))

    def _tell(self, verdict: str) -> None:
        self._surroundings.team.agree(verdict)

    def _follow(self) -> None:
        """Hear what has come of the first worker's report."""
        verdict = ""

        def hear() -> None:
            nonlocal verdict
            verdict = self._surroundings.team.agree("")

        self._guarded(hear)
        if verdict == _REFUSED:
            raise ValueError("the first worker's report was refused")
        self._history.append({"epoch": len(self._history) + 1, "seconds": None})
        self._saved = None
        self._answer(verdict == _GOES_ON)

    def _take(self, numbers: dict[str, float | int], state: Mapping[str, Any] | None) -> None:
        epoch = len(self._history) + 1
        seconds = time.perf_counter() - self._began
        finite = {name: _finite_or_none(value) for name, value in numbers.items()}
        row: OwnRow = {"epoch": epoch, "seconds": seconds, **finite, "last": False}
        self._history.append(row)
        self._saved = None
        if state is not None:
            self._guarded(lambda: self._take_state(numbers, state))
        elif self._pace.is_due():
            self.end()  # an earlier one, for which it was too early
        if epoch <= self._reported:
            self._guarded(lambda: self._repeated(row))
            return
        self._reported = epoch
        if state is not None:
            self._note_state()
        goes_on = self._pass_on(row)
        if not goes_on:
            self.end()
        self._answer(goes_on)

    def _take_state(self, numbers: Mapping[str, float], state: Mapping[str, Any]) -> None:
        self._remember_best(numbers, state)
        if self._pace.is_due() or len(self._history) == self._surroundings.epochs:
            self._save(self._checkpoint(state))
        else:
            with self._pace.measured():
                self._unsaved = self._checkpoint(copy_state(state))

    def _remember_best(self, numbers: Mapping[str, float], state: Mapping[str, Any]) -> None:
        by = self._surroundings.best_by
        if by is None or by.metric not in numbers:
            return
        value = float(numbers[by.metric])
        if self._best and not by.is_better(value, than=self._best["value"]):
            return
        with self._pace.measured():
            epoch = len(self._history)
            self._best = {"epoch": epoch, "value": value, "state": copy_state(state)}

    def _checkpoint(self, state: Mapping[str, Any]) -> CheckpointState:
        best = {"best": self._best} if self._best else {}
        return {
            "epoch": len(self._history),
            "seconds": self._history[-1]["seconds"],
            "state": dict(state),
            "random": random_states(self.device),
            **best,
        }

    def _save(self, checkpoint: CheckpointState) -> None:
        epoch: int = checkpoint["epoch"]
        with self._pace.measured():
            self._checkpoints.save(epoch, checkpoint | {"history": self._history[:epoch]})
        self._unsaved = None

    # -- the end --

    def _checked(self, metrics: Mapping[str, Any]) -> dict[str, float | int]:
        try:
            return checked_metrics(metrics)
        except MetricNameRefused as error:
            raise self._mistaken(str(error), {}) from None

    def _demand_objectives(self, numbers: Mapping[str, float]) -> None:
        objectives = [name for name in self._surroundings.objectives if name not in OWN_TIMES]
        if missing := missing_objective(numbers, objectives):
            reported = ", ".join(numbers)
            message = f"the objective {missing} must be among the metrics; reported: {reported}"
            raise self._mistaken(message, {"missing_objective": missing, "reported": reported})
        if broken := not_finite(numbers, objectives):
            epoch = len(self._history) + 1
            message = f"{broken} is {numbers[broken]} at epoch {epoch}"
            self._fail(TrainingFailure("diverged", message, {"epoch": epoch}))

    def _guarded(self, act: Callable[[], None]) -> None:
        """Do what may fail for the study's reasons; a training must not handle such failures."""
        try:
            act()
        except StudyError as error:
            self._fail(error)
        except TrainingFailure as error:
            self._fail(error)
        except Stopped:
            self.is_stopped = True
            raise

    def _mistaken(self, message: str, details: FailureDetails) -> Stopped:
        """Note a mistake in what is reported; at the first report, each trial would make it."""
        is_first = not self._history and not self._reported
        self.failure = TrainingFailure("invalid", message, {"mistake": is_first, **details})
        return Stopped()

    def _fail(self, failure: Exception) -> None:
        """End the training with a failure, past whatever exceptions it handles."""
        self.failure = failure
        raise Stopped

    def _answer(self, goes_on: bool) -> None:
        if not goes_on:
            self.is_stopped = True
            raise Stopped

    def _stop_if_over(self) -> None:
        """Raise Stopped again where a training goes on after that was raised."""
        if self.is_over:
            raise Stopped

    def _check_caller(self, name: str) -> None:
        if os.getpid() != self._process:
            raise RuntimeError(
                f"session.{name}() is for the process that runs the training function, not for"
                " one that it has started"
            )


def _finite_or_none(value: float | int) -> float | int | None:
    return value if math.isfinite(value) else None
