"""What a journal knows of each training: its epochs, and whether there would have been more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from study.errors import SpecError
from study.journal.history import History
from study.journal.outcomes import search_trials
from study.journal.trials import Trial
from study.results.attempts import wall_seconds
from study.sampling.arm import longest_training
from study.spec.spec import StudySpec

CurveEnd = Literal["finished", "failed", "stopped", "cut"]
"""How a curve ends: the training came to its end, failed, was stopped by the user, or was cut off
by the pruner or is still running, so that nobody knows how it would have gone on.
"""
_NO_METRICS = ("epoch", "attempt", "time")


@dataclass(frozen=True)
class Curve:
    """A training as the journal has it."""

    trial: Trial
    end: CurveEnd
    longest: int
    """The most epochs that it could have had."""
    overhead_s: float = 0.0
    """For how long it held its worker beside the epochs that count: to begin, and where attempts
    were in vain.
    """

    @property
    def epochs(self) -> int:
        """How many epochs are known."""
        return self.trial.epochs

    @property
    def is_whole(self) -> bool:
        """Whether it is known to its end."""
        return self.end != "cut"

    def metrics(self, epoch: int) -> dict[str, Any]:
        """What was reported of an epoch; beyond the last that is known, what that one was."""
        row = self.trial.rows[min(epoch, self.epochs) - 1]
        return {name: value for name, value in row.items() if name not in _NO_METRICS}

    def held_seconds(self, epochs: int) -> float:
        """For how long it holds a worker if it is begun and has so many epochs."""
        return self.overhead_s + self.seconds(epochs)

    def seconds(self, epochs: int) -> float:
        """How long so many epochs took; those that aren't known take as long as the others."""
        if not epochs or not self.epochs:
            return 0.0
        known = self._seconds[min(epochs, self.epochs) - 1]
        beyond = max(0, epochs - self.epochs)
        return known + beyond * self._seconds[-1] / self.epochs

    @cached_property
    def _seconds(self) -> list[float]:
        """For each epoch the seconds from the beginning to its end."""
        starts = {attempt.number: attempt.started_at for attempt in self.trial.attempts}
        found: list[float] = []
        before = 0.0
        for row in self.trial.rows:
            passed = row["time"] - max(before, starts.get(row["attempt"], before))
            so_far = found[-1] if found else 0.0
            found.append(float(row.get("seconds") or so_far + max(0.0, passed)))
            before = row["time"]
        return found


Curves = Mapping[tuple[int, int], Curve]
"""By point and replicate number."""


def curves_of(history: History, spec: StudySpec) -> Curves:
    """The curves of all trainings of a study's search."""
    found: dict[tuple[int, int], Curve] = {}
    for point in history.points:
        longest = _longest(point.values, spec)
        for trial in search_trials(point):
            curve = Curve(trial, _end_of(trial), longest)
            spare = wall_seconds(history, trial) - curve.seconds(curve.epochs)
            found[point.number, trial.replicate] = replace(curve, overhead_s=max(0.0, spare))
    return found


def _longest(values: Mapping[str, Any], spec: StudySpec) -> int:
    """How many epochs a training with these values has at most."""
    try:
        length = spec.training(values).length
    except SpecError:  # it failed before its first epoch
        return 0
    return longest_training(spec) if length is None else length


def _end_of(trial: Trial) -> CurveEnd:
    if trial.state == "COMPLETE":
        return "finished"
    if trial.state == "FAIL":
        return "failed"
    if trial.state == "PRUNED" and trial.stopped_by == "user":
        return "stopped"
    return "cut"
