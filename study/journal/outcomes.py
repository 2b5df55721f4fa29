"""What trials and points amount to: their values, and when a study has had enough."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from study.errors import StudyHalted
from study.journal.history import History, Point, Trial
from study.spec.sections import Objective, Stop, column_of

_STUDY_FAULTS = ("error", "data", "device", "invalid")
"""Failures that are more likely the study's fault than the point's."""
RECIPE_FAULTS = frozenset({"diverged", "out_of_memory", "timeout", "error", "invalid"})
"""Failures of the recipe's own: the sampler shall keep away from such points. All others are the
machine's.
"""
_SAME_IN_A_ROW = 3


def _metric_at(trial: Trial, metric: str, epoch: int) -> float:
    """A metric of the trial after ``epoch``, from its row there or, for what only a whole training
    has, its summary.
    """
    row = trial.rows[epoch - 1]
    value = row.get(column_of(metric), trial.summary.get(metric))
    return float(value) if value is not None else float("nan")


def objective_values(
    trial: Trial, objectives: Sequence[Objective], epoch: int
) -> tuple[float, ...]:
    """The objectives as the pruner sees them after ``epoch``."""
    return tuple(_metric_at(trial, objective.metric, epoch) for objective in objectives)


def trial_value(trial: Trial, objective: Objective) -> float:
    """The trial's value: the objective at its last epoch, or the best over its epochs."""
    if objective.at == "last":
        return _metric_at(trial, objective.metric, trial.epochs)
    values = [_metric_at(trial, objective.metric, epoch) for epoch in range(1, trial.epochs + 1)]
    return max(values) if objective.direction == "maximize" else min(values)


def search_trials(point: Point) -> list[Trial]:
    return [trial for trial in point.trials.values() if trial.kind == "search"]


def point_value(
    point: Point, objectives: Sequence[Objective], replicates: int
) -> float | list[float] | None:
    """The mean over the point's first ``replicates`` trials; None unless all of them are
    COMPLETE.
    """
    trials = [
        trial for trial in search_trials(point) if trial.replicate < replicates and _is_whole(trial)
    ]
    return _mean_value(trials, objectives) if len(trials) == replicates else None


def survivors_value(
    point: Point, objectives: Sequence[Objective], replicates: int | None
) -> float | list[float] | None:
    """The mean over the point's COMPLETE trials (the first ``replicates`` ones if given); None
    where there is none.

    So is a point valued in studies of the time when the pruner judged every seed.
    """
    trials = [
        trial
        for trial in search_trials(point)
        if replicates is None or trial.replicate < replicates
    ]
    return _mean_value([trial for trial in trials if _is_whole(trial)], objectives)


def _is_whole(trial: Trial) -> bool:
    return trial.state == "COMPLETE" and bool(trial.rows)


def _mean_value(
    trials: Sequence[Trial], objectives: Sequence[Objective]
) -> float | list[float] | None:
    """The mean over the trials, summed in the order of their seeds: of each objective where there
    are several.
    """
    if not trials:
        return None
    trials = sorted(trials, key=lambda trial: trial.replicate)
    means = [
        sum(trial_value(trial, objective) for trial in trials) / len(trials)
        for objective in objectives
    ]
    return means[0] if len(means) == 1 else means


class Verdicts:
    """Watches for the ends that the study file sets and for a study that only fails."""

    def __init__(self, stop: Stop, *, gpus: float, keep_going: bool) -> None:
        self._stop = stop
        self._gpus = gpus
        self._keep_going = keep_going
        self._failed = 0
        self._reached = False
        self._streak: list[tuple[str, int]] = []
        self._message = ""

    def ended(self, trial: Trial) -> None:
        if trial.state != "FAIL":
            self._streak = []
            return
        self._failed += 1
        failure = trial.failure or {"class": "error", "message": ""}
        if failure["class"] not in _STUDY_FAULTS:
            return
        kind = failure["class"] + " " + re.sub(r"\d+", "#", failure["message"])
        if self._streak and self._streak[-1][0] != kind:
            self._streak = []
        if trial.point not in [point for _, point in self._streak]:
            self._streak.append((kind, trial.point))
        self._message = f"{failure['class']}: {failure['message']}"

    def opened(self) -> None:
        """A new session gives a study that only failed another chance."""
        self._streak = []

    def told(self, point: Point, objectives: Sequence[Objective]) -> None:
        target = self._stop.target
        if target is not None and isinstance(point.value, float):
            better = (
                point.value >= target
                if objectives[0].direction == "maximize"
                else point.value <= target
            )
            self._reached |= better

    def stop_reason(self, history: History) -> str:
        """Why the study stops now: a word for the journal, empty while it goes on."""
        if self._reached:
            return "target"
        if self._stop.failures is not None and self._failed >= self._stop.failures:
            return "failures"
        if (
            self._stop.wall_hours is not None
            and _wall_seconds(history) >= self._stop.wall_hours * 3600
        ):
            return "wall_hours"
        if (
            self._stop.gpu_hours is not None
            and _gpu_seconds(history, self._gpus) >= self._stop.gpu_hours * 3600
        ):
            return "gpu_hours"
        if not self._keep_going and len(self._streak) >= _SAME_IN_A_ROW:
            return "halted"
        return ""

    def halt(self) -> StudyHalted:
        """The error for a study that was stopped because it only fails."""
        points = ", ".join(str(point) for _, point in self._streak)
        return StudyHalted(
            f"the same failure {_SAME_IN_A_ROW} times in a row (points {points}):"
            f" {self._message}\nMend it and run the failed trials again with `study retry NAME"
            " --failed`, or go on with --keep-going."
        )


def _wall_seconds(history: History) -> float:
    """The seconds that drivers have spent on the study, this one's until now."""
    closed = sum(
        (session.closed or session.last) - session.opened for session in history.sessions[:-1]
    )
    return closed + (time.time() - history.sessions[-1].opened if history.sessions else 0.0)


def _gpu_seconds(history: History, gpus: float) -> float:
    """The seconds for which trials have held GPUs, a share of one counting as that share."""
    now = time.time()
    attempts = [attempt for trial in history.trials for attempt in trial.attempts]
    return gpus * sum((attempt.ended or now) - attempt.started for attempt in attempts)


def first_value(value: float | list[float]) -> float:
    """A point's value by the first objective."""
    return value[0] if isinstance(value, list) else value
