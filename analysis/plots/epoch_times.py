"""The plot of epoch times: what an epoch of the best points takes, in seconds."""

from __future__ import annotations

import pandas as pd

from analysis.frames import Frames
from analysis.plots.axes import add_legend_below, legend_mark, point_label
from analysis.plots.svg import SERIES, Plot, as_plot, make_panels
from analysis.selection.ranking import ranked_points
from analysis.selection.trials import rows_of_point

_TOP = 10
_TRAINING, _FIRST, _EVALUATION = SERIES[:3]


def epoch_times_plot(results: Frames) -> Plot | None:
    """Draw the steady epoch time of the best points, training and evaluation apart, and the first
    epoch's."""
    rows = results.epochs.dropna(subset=["train_seconds", "eval_seconds"])
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
    marks = [
        legend_mark("steady: training", _TRAINING),
        legend_mark("steady: evaluation", _EVALUATION),
        legend_mark("first epoch", _FIRST, marker="D"),
    ]
    add_legend_below(figure, marks, columns=3)
    text = (
        "Median training and evaluation time of the epochs after the first, and the first epoch,"
        " which warms up."
    )
    return as_plot(figure, "epoch-times", "Epoch times", text)


def _steady(epochs: pd.DataFrame) -> pd.DataFrame:
    """Return the epochs after the first, which warms up; all where there is no other."""
    later = epochs[epochs["epoch"] > 1]
    return later if len(later) else epochs


def _first_seconds(epochs: pd.DataFrame) -> float:
    """Return the mean over seeds of what the first epoch took."""
    first = epochs[epochs["epoch"] == 1]
    return float((first["train_seconds"] + first["eval_seconds"]).mean())
