"""The plot of learning curves: the objective's metric over epochs, of the best points."""

from __future__ import annotations

from collections.abc import Collection, Hashable

import pandas as pd

from analysis.frames import Frames
from analysis.plots.axes import point_label, use_whole_numbers
from analysis.plots.svg import FAINT, SERIES, Plot, as_plot, make_panels
from analysis.selection.curves import curve_trials, epoch_rows_of, mean_curves
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import ranked_points
from analysis.selection.trials import POINT_KEY, point_index

_MOST_FAINT = 300
_TOP = 5

_Key = tuple[Hashable, ...]
"""A point by its study and its number."""


def learning_curves_plot(results: Frames) -> Plot | None:
    """Draw the best points' mean over seeds, banded by the seeds' range; other points faintly."""
    metric = objective_of(results).metric
    trials = curve_trials(results.trials)
    rows = _rows_with(results, trials, metric)
    if not len(rows):
        return None
    figure, (axes,) = make_panels()
    known = list(rows.groupby(POINT_KEY).size().index)
    best = _best_points(results, known)
    others = [key for key in known if key not in best][-_MOST_FAINT:]
    curves = mean_curves(rows[point_index(rows).isin([*best, *others])], metric)
    for key in others:
        curve = curves[key]
        axes.plot(curve.index, curve["mean"], color=FAINT, linewidth=0.8, alpha=0.5)
    seeds_begun: dict[Hashable, int] = trials.groupby(POINT_KEY).size().to_dict()
    for color, key in zip(SERIES, best, strict=False):
        curve = curves[key]
        point = dict(zip(POINT_KEY, key, strict=True))
        label = point_label(results, point) + _seeds_label(curve, seeds_begun[key])
        axes.plot(curve.index, curve["mean"], color=color, label=label, marker="o", markersize=2.5)
        axes.fill_between(
            curve.index, curve["min"], curve["max"], color=color, alpha=0.2, linewidth=0
        )
    axes.set(xlabel="epoch", ylabel=metric)
    use_whole_numbers(axes)
    if best:
        axes.legend(fontsize=8)
    text = (
        f"{metric} over epochs of the best {len(best)} points: the mean over seeds, banded from"
        " worst to best seed, up to the last epoch that all of the point's seeds reached."
    )
    return as_plot(figure, "learning-curves", "Learning curves", text)


def _rows_with(results: Frames, trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return the epoch rows of trials that hold the metric; none where epochs never do."""
    if metric not in results.epochs:
        return results.epochs.iloc[:0]
    return epoch_rows_of(results, trials).dropna(subset=[metric])


def _best_points(results: Frames, known: Collection[_Key]) -> list[_Key]:
    """Return the best TOP points that have rows, the best first."""
    points = ranked_points(results).head(_TOP)
    keys = zip(points["study"], points["point"], strict=True)
    return [key for key in keys if key in known]


def _seeds_label(curve: pd.DataFrame, begun: int) -> str:
    """Return how many of a point's seeds its curve is of, where some have no epoch."""
    count = int(curve["count"].iloc[0])
    return f" ({count} of {begun} seeds)" if count < begun else ""
