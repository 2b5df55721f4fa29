"""The plot of epoch times: what an epoch of the best points takes, in seconds."""

from __future__ import annotations

import pandas as pd

from analysis.frames import Frames
from analysis.plots.axes import add_legend_below, legend_mark, point_label
from analysis.plots.svg import SERIES, Plot, as_plot, make_panels
from analysis.selection.ranking import ranked_points
from analysis.selection.trials import rows_of_point

_TOP = 10
_COLUMNS = ["study", "trial", "point", "epoch", "seconds", "train_seconds", "eval_seconds"]
_TRAINING, _FIRST, _EVALUATION = SERIES[:3]


def epoch_times_plot(results: Frames) -> Plot | None:
    """Draw the steady epoch time of the best points, training and evaluation apart, and the first
    epoch's. What of an own training's epoch is evaluation isn't known."""
    rows = _with_times(results.epochs.filter(items=_COLUMNS))
    has_evaluation = bool(rows["eval_seconds"].any())
    points = ranked_points(results).head(_TOP)
    if not len(rows) or not len(points):
        return None
    figure, (axes,) = make_panels(height_in=max(1.8, 0.34 * len(points) + 0.9))
    labels = []
    from_the_worst = points.iloc[::-1].to_dict("records")  # drawn from below, so the best is on top
    for position, point in enumerate(from_the_worst):
        epochs = rows_of_point(rows, point)
        steady = _steady(epochs)
        training = float(steady["train_seconds"].median())
        evaluation = float(steady["eval_seconds"].median())
        axes.barh(position, training, color=_TRAINING, height=0.55)
        axes.barh(position, evaluation, left=training, color=_EVALUATION, height=0.55)
        axes.plot([_first_seconds(epochs)], [position], "D", color=_FIRST)
        labels.append(point_label(results, point))
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set(xlabel="seconds an epoch")
    marks = [legend_mark("first epoch", _FIRST, marker="D")]
    if has_evaluation:
        marks = [
            legend_mark("steady: training", _TRAINING),
            legend_mark("steady: evaluation", _EVALUATION),
            *marks,
        ]
    else:
        marks = [legend_mark("steady", _TRAINING), *marks]
    add_legend_below(figure, marks, columns=3)
    parts = "training and evaluation time" if has_evaluation else "time"
    text = f"Median {parts} of the epochs after the first, and the first epoch, which warms up."
    return as_plot(figure, "epoch-times", "Epoch times", text)


def _with_times(epochs: pd.DataFrame) -> pd.DataFrame:
    """Return the epochs with their training and evaluation times, of those that have any."""
    if "train_seconds" in epochs and "eval_seconds" in epochs:
        timed = epochs.dropna(subset=["train_seconds", "eval_seconds"])
        if len(timed):
            return timed
    ordered = epochs.dropna(subset=["seconds"]).sort_values(["study", "trial", "epoch"])
    ends = ordered["seconds"]
    taken = ends - ordered.groupby(["study", "trial"])["seconds"].shift(fill_value=0.0)
    return ordered.assign(train_seconds=taken, eval_seconds=0.0)


def _steady(epochs: pd.DataFrame) -> pd.DataFrame:
    """Return the epochs after the first, which warms up; all where there is no other."""
    later = epochs[epochs["epoch"] > 1]
    return later if len(later) else epochs


def _first_seconds(epochs: pd.DataFrame) -> float:
    """Return the mean over seeds of what the first epoch took."""
    first = epochs[epochs["epoch"] == 1]
    return float((first["train_seconds"] + first["eval_seconds"]).mean())
