"""When a study as a whole has had enough: the ends that its file sets, and a study that only
fails.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from study.errors import StudyHalted
from study.journal.failure import Failure
from study.journal.history import History
from study.journal.trials import Point, Trial

if TYPE_CHECKING:
    from study.spec.sections import Objective, StudyLimits

_STUDY_FAULTS = ("error", "data", "device", "invalid")
"""Failure classes that are more likely the study's fault than the point's."""
_SAME_IN_A_ROW = 3


class StopConditions:
    """Watches a study's events for the conditions under which it stops."""

    def __init__(self, stop: StudyLimits, *, gpus: float, keep_going: bool) -> None:
        self._stop = stop
        self._gpus = gpus
        self._keep_going = keep_going
        self._failed_trials = 0
        self._target_reached = False
        self._same_failures: list[tuple[str, int]] = []
        """The kind of the latest failures, all the same, each with its point."""
        self._last_message = ""

    def note_session_start(self) -> None:
        """Give a study that only failed another chance, now that a new driver took it up."""
        self._same_failures = []

    def note_trial_end(self, trial: Trial) -> None:
        """Count a trial's failure, and how many of the same kind came one after the other."""
        if trial.state != "FAIL":
            self._same_failures = []
            return
        self._failed_trials += 1
        failure = trial.failure or Failure("error", "")
        if failure.failure_class not in _STUDY_FAULTS:
            return
        # numbers differ from one occurrence of a failure to the next
        kind = failure.failure_class + " " + re.sub(r"\d+", "#", failure.message)
        if self._same_failures and self._same_failures[-1][0] != kind:
            self._same_failures = []
        if trial.point not in [point for _, point in self._same_failures]:
            self._same_failures.append((kind, trial.point))
        self._last_message = f"{failure.failure_class}: {failure.message}"

    def note_point_end(self, point: Point, objectives: Sequence[Objective]) -> None:
        """Compare a point's value with the target, where the study file sets one."""
        target = self._stop.target
        if target is None or not isinstance(point.value, float):
            return
        self._target_reached |= objectives[0].reaches(point.value, target)

    def stop_reason(self, history: History) -> str:
        """Why the study stops now: a word for the journal, empty while it goes on."""
        stop = self._stop
        if self._target_reached:
            return "target"
        if stop.failures is not None and self._failed_trials >= stop.failures:
            return "failures"
        if stop.wall_hours is not None and _wall_seconds(history) >= stop.wall_hours * 3600:
            return "wall_hours"
        limit = stop.gpu_hours
        if limit is not None and _gpu_seconds(history, self._gpus) >= limit * 3600:
            return "gpu_hours"
        if not self._keep_going and len(self._same_failures) >= _SAME_IN_A_ROW:
            return "halted"
        return ""

    def halt(self) -> StudyHalted:
        """The error for a study that was stopped because it only fails."""
        points = ", ".join(str(point) for _, point in self._same_failures)
        return StudyHalted(
            f"the same failure {_SAME_IN_A_ROW} times in a row (points {points}):"
            f" {self._last_message}\nMend it and run the failed trials again with `study retry NAME"
            " --failed`, or go on with --keep-going."
        )


def _wall_seconds(history: History) -> float:
    """The seconds that drivers have spent on the study, the present one's up to now."""
    if not history.sessions:
        return 0.0
    *earlier, present = history.sessions
    seconds = time.time() - present.opened_at
    for session in earlier:
        seconds += (session.closed_at or session.last_event_at) - session.opened_at
    return seconds


def _gpu_seconds(history: History, gpus: float) -> float:
    """The seconds for which trials have held GPUs, a share of one counting as that share."""
    now = time.time()
    attempts = [attempt for trial in history.trials for attempt in trial.attempts]
    return gpus * sum((attempt.ended_at or now) - attempt.started_at for attempt in attempts)
