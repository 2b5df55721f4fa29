"""Points and trials as the lines of a display."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from study.files.visible_text import visible
from study.journal.outcomes import search_trials
from study.journal.ranking import fresh_value
from study.journal.trials import Point, Trial
from study.spec.spec import StudySpec


def best_line(point: Point, spec: StudySpec) -> str:
    """Return a point's line, with what its fresh seeds say where it was confirmed."""
    line = point_line(point, spec)
    fresh = fresh_value(point, spec)
    return line if fresh is None else f"{figure_text(fresh)} on fresh seeds, {line}"


def point_line(point: Point, spec: StudySpec) -> str:
    """``point 3  COMPLETE  val_accuracy 0.9731  optimizer.name=sgd …``."""
    if point.is_dropped:
        outcome = "dropped"
    elif point.state == "COMPLETE":
        outcome = _complete_text(point, spec)
    elif point.state == "PRUNED":
        outcome = _pruned_text(point, spec)
    else:
        outcome = _failure_text(point)
    pairs = " ".join(f"{path}={figure_text(value)}" for path, value in point.values.items())
    return visible(f"point {point.number}  {point.state}  {outcome}  {pairs}")


def _complete_text(point: Point, spec: StudySpec) -> str:
    text = f"{spec.objectives[0].metric} {figure_text(point.first_value)}"
    if len(point.seeds) < spec.replicates:
        text += f" on {len(point.seeds)} of {spec.replicates} seeds"
    return text


def _pruned_text(point: Point, spec: StudySpec) -> str:
    pruned = [trial for trial in search_trials(point) if trial.state == "PRUNED"]
    trial = pruned[0] if pruned else point.trials[0]
    metric = spec.objectives[0].metric
    figure = figure_text(last_figure(trial, metric))
    return f"stopped at epoch {trial.epochs} with {metric} {figure}"


def _failure_text(point: Point) -> str:
    for trial in point.trials.values():
        if trial.failure:
            return f"{trial.failure.failure_class}: {trial.failure.message}"
    return "error: "


def last_figure(trial: Trial, metric: str) -> Any:
    """Return what a trial's last epoch has of a metric; None where it has nothing."""
    return trial.rows[-1].get(metric) if trial.rows else None


def values_text(values: Mapping[str, Any], spec: StudySpec) -> str:
    """Return what sets a point apart, shortly: its numbers first, then names of branches and such.

    Constants of the space are left out, and a path's last part stands for it where it is no
    other's.
    """
    varied = {variable.path for variable in spec.space.variables}
    constant = set(spec.space.paths()) - varied
    shown = {path: value for path, value in values.items() if path not in constant}
    short = [_short(path) for path in shown]
    numbers: list[str] = []
    names: list[str] = []
    for path, value in shown.items():
        label = _short(path) if short.count(_short(path)) == 1 else path
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        (numbers if is_number else names).append(f"{label} {figure_text(value)}")
    return visible("  ".join(numbers + names))


def _short(path: str) -> str:
    """``lr`` of ``optimizer.lr``; ``optimizer`` of ``optimizer.name``."""
    return path.removesuffix(".name").rpartition(".")[2]


def figure_text(value: Any) -> str:
    """Return a value in four significant digits."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
