"""What trials and points amount to: their values by the study's objectives."""

from __future__ import annotations

from collections.abc import Sequence

from study.journal.trials import Point, Trial
from study.spec.sections import Objective, column_of

RECIPE_FAULTS = frozenset({"diverged", "out_of_memory", "timeout", "error", "invalid"})
"""Failures of the recipe's own: the sampler shall keep away from such points. All others are the
machine's.
"""


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
    return objective.best(values)


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
