"""When a study as a whole has had enough: the ends that its file sets, and a study that only
fails.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from study.errors import StudyHalted
from study.journal.failure import Failure
from study.journal.history import History
from study.journal.trials import Attempt, Point, Trial

if TYPE_CHECKING:
    from study.files.layout import StudyPaths
    from study.spec.sections import Objective, StudyLimits

_STUDY_FAULTS = ("error", "data", "invalid")
"""Failure classes that are more likely the study's fault than the point's."""
_SAME_IN_A_ROW = 3
_SECONDS_AN_HOUR = 3600


class StopConditions:
    """Watches a study's events for the conditions under which it stops."""

    def __init__(self, stop: StudyLimits, *, gpus: float, keep_going: bool) -> None:
        self._stop = stop
        self._gpus = gpus
        self._keep_going = keep_going
        self._failed_trials = 0
        self._reached_target: set[int] = set()
        """The points that have come up to the target."""
        self._same_failures: list[tuple[str, int]] = []
        """The kind of the latest failures, all the same, each with its point."""
        self._last_message = ""
        self._session_began = time.monotonic()
        self._last_look = self._session_began
        self._running_since: dict[int, float] = {}
        """When attempts, by their identity, were first seen running, in monotonic seconds."""
        self._held_s: dict[int, float] = {}
        """How long those of them took that have ended."""

    def note_session_start(self) -> None:
        """Give a study that only failed another chance, now that a new driver took it up."""
        self._same_failures = []
        self._session_began = time.monotonic()

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
        if objectives[0].reaches(point.value, target):
            self._reached_target.add(point.number)

    def note_drop(self, point: int) -> None:
        """Go by the target without a point that counts no more."""
        self._reached_target.discard(point)

    def stop_reason(self, history: History) -> str:
        """Why the study stops now: a word for the journal, empty while it goes on."""
        stop = self._stop
        if self._reached_target:
            return "target"
        if stop.failures is not None and self._failed_trials >= stop.failures:
            return "failures"
        if self._is_spent(stop.wall_hours, self._wall_seconds, history):
            return "wall_hours"
        if self._is_spent(stop.gpu_hours, self._count_gpu_seconds, history):
            return "gpu_hours"
        if stop.spend is not None and self._money(history) >= stop.spend:
            return "spend"
        if not self._keep_going and len(self._same_failures) >= _SAME_IN_A_ROW:
            return "halted"
        return ""

    def _is_spent(
        self, limit_hours: float | None, spent_s: Callable[[History], float], history: History
    ) -> bool:
        """Whether a limit is reached; what is spent is added up only where there is one."""
        return limit_hours is not None and spent_s(history) >= limit_hours * _SECONDS_AN_HOUR

    def _wall_seconds(self, history: History) -> float:
        """Count the seconds that drivers have spent on the study, the present one's up to now.

        Those of the present one don't go by the clock on the wall, which may be set meanwhile.
        """
        if not history.sessions:
            return 0.0
        return time.monotonic() - self._session_began + _earlier_seconds(history)

    def _count_gpu_seconds(self, history: History) -> float:
        """Count the seconds for which trials have held GPUs, a share of one as that share.

        Those of attempts that were seen running go by this process's own time, too.
        """
        return self._gpus * sum(
            held_s * attempt.workers for attempt, held_s in self._held_by_attempt(history)
        )

    def _money(self, history: History) -> float:
        """Add up what all attempts have cost, those under way up to now."""
        return sum(
            held_s / _SECONDS_AN_HOUR * (attempt.hourly_price or 0.0)
            for attempt, held_s in self._held_by_attempt(history)
        )

    def _held_by_attempt(self, history: History) -> list[tuple[Attempt, float]]:
        """Return every attempt with the seconds for which it has held its worker."""
        now = time.monotonic()
        attempts = [attempt for trial in history.trials for attempt in trial.attempts]
        held = [(attempt, self._held_seconds(attempt, now)) for attempt in attempts]
        self._last_look = now
        return held

    def _held_seconds(self, attempt: Attempt, now: float) -> float:
        """Count the seconds from when a worker took the attempt up; before that it holds no GPU."""
        key = id(attempt)
        if attempt.placed_at is None:
            return 0.0
        if attempt.ended_at is None:
            if key not in self._running_since:  # it has begun since the last look
                unseen_s = now - self._last_look + attempt.held_s
                age_s = min(max(0.0, time.time() - attempt.placed_at), unseen_s)
                self._running_since[key] = now - age_s
            return now - self._running_since[key]
        if key in self._running_since:
            return self._held_s.setdefault(key, now - self._running_since[key])
        return max(0.0, attempt.ended_at - attempt.placed_at)

    def halt(self, paths: StudyPaths) -> StudyHalted:
        """The error for a study that was stopped because it only fails; ``paths`` are its own."""
        points = ", ".join(str(point) for _, point in self._same_failures)
        return StudyHalted(
            f"the same failure {_SAME_IN_A_ROW} times in a row (points {points}):"
            f" {self._last_message}\nMend it and run the failed trials again with"
            f" `{paths.command('retry', '--failed')}`, or go on with"
            f" `{paths.command('resume', '--keep-going')}`."
        )


def _earlier_seconds(history: History) -> float:
    """The seconds that drivers before the present one have spent on the study."""
    ends = [session.closed_at or session.last_event_at for session in history.sessions[:-1]]
    starts = [session.opened_at for session in history.sessions[:-1]]
    return sum(max(0.0, end - start) for start, end in zip(starts, ends, strict=True))
