"""What trials and points amount to: their values by the study's objectives."""

from __future__ import annotations

from collections.abc import Sequence

from study.journal.events import PointValue
from study.journal.failure import FailureClass
from study.journal.trials import Point, Trial
from study.spec.sections import Objective, column_of

RECIPE_FAULTS: frozenset[FailureClass] = frozenset(
    {"diverged", "out_of_memory", "timeout", "error", "invalid"}
)
"""Failures that are the recipe's own, so that the sampler keeps away from such points. All others
are the machine's.
"""


def objective_values(
    trial: Trial, objectives: Sequence[Objective], epoch: int
) -> tuple[float, ...]:
    """The objectives after ``epoch``, as the pruner sees them."""
    return tuple(_metric_at(trial, objective.metric, epoch) for objective in objectives)


def trial_value(trial: Trial, objective: Objective) -> float:
    """The trial's value: the objective at its last epoch, or the best over its epochs."""
    if objective.at == "last":
        return _metric_at(trial, objective.metric, trial.epochs)
    epochs = range(1, trial.epochs + 1)
    return objective.best([_metric_at(trial, objective.metric, epoch) for epoch in epochs])


def search_trials(point: Point) -> list[Trial]:
    """The point's trials but for those of the confirmation."""
    return [trial for trial in point.trials.values() if trial.kind == "search"]


def point_value(point: Point, objectives: Sequence[Objective], replicates: int) -> PointValue:
    """The mean over the point's first ``replicates`` trials; None unless all are COMPLETE."""
    trials = _complete_trials(point, replicates)
    return _mean_value(trials, objectives) if len(trials) == replicates else None


def survivors_value(
    point: Point, objectives: Sequence[Objective], replicates: int | None
) -> PointValue:
    """The mean over those of the point's trials that are COMPLETE; None where none is.

    So points are valued in older studies, whose pruner judges every seed. ``replicates`` says how
    many of the first trials count, None that all do.
    """
    return _mean_value(_complete_trials(point, replicates), objectives)


def _metric_at(trial: Trial, metric: str, epoch: int) -> float:
    """A metric after ``epoch``, or from the summary what only a whole training has."""
    row = trial.rows[epoch - 1]
    value = row.get(column_of(metric), trial.summary.get(metric))
    return float(value) if value is not None else float("nan")


def _complete_trials(point: Point, replicates: int | None) -> list[Trial]:
    """The point's COMPLETE trials of the search, in the order of their seeds."""
    trials = [trial for trial in search_trials(point) if trial.state == "COMPLETE" and trial.rows]
    if replicates is not None:
        trials = [trial for trial in trials if trial.replicate < replicates]
    return sorted(trials, key=lambda trial: trial.replicate)


def _mean_value(trials: Sequence[Trial], objectives: Sequence[Objective]) -> PointValue:
    """The mean over the trials, of each objective where there are several."""
    if not trials:
        return None
    means = []
    for objective in objectives:
        # summed in the order of the seeds, so that the last bits are the same in every run
        total = sum(trial_value(trial, objective) for trial in trials)
        means.append(total / len(trials))
    return means[0] if len(means) == 1 else means
