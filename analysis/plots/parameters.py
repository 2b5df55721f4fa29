"""The plot of the value against each setting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.frames import Frames
from analysis.plots.svg import SERIES, Plot, as_plot, make_panels
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import best_value, ranked_points, thinned
from analysis.selection.settings import (
    is_log_scaled,
    is_numeric_setting,
    is_unordered,
    varied_settings,
)
from analysis.statistics import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_PANELS = 8
_BINS = 8


def parameters_plot(results: Frames) -> Plot | None:
    """Draw a panel for each setting, with the best of each of its bins outlined."""
    points = thinned(ranked_points(results))
    names = [name for name in varied_settings(results) if points[name].nunique() > 1]
    names = names[:_MOST_PANELS]
    if len(points) < 2 or not names:
        return None
    figure, panels = make_panels(len(names), 2, 2.3)
    for axes, name in zip(panels, names, strict=True):
        known = points.dropna(subset=name)
        if is_numeric_setting(known[name]) and not is_unordered(results, name):
            _against_number(axes, results, known, name)
        else:
            _against_choice(axes, results, known, name)
        axes.set(xlabel=name, ylabel=objective_of(results).metric)
    text = "Each complete point's value against its settings; the line is the best of each bin."
    return as_plot(figure, "parameters", "Value against each setting", text)


def _against_number(axes: Axes, results: Frames, points: pd.DataFrame, name: str) -> None:
    x = points[name].to_numpy(float)
    y = points["value"].to_numpy(float)
    log = is_log_scaled(results, name) and bool((x > 0).all())
    axes.scatter(x, y, s=12, color=SERIES[0], alpha=0.6, linewidth=0)
    if log:
        from analysis.plots.log_ticks import PowersOfTen

        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(PowersOfTen())
        axes.xaxis.set_minor_formatter(PowersOfTen(labelOnlyBase=False))
    else:
        axes.locator_params(axis="x", nbins=4)
    distinct = np.unique(x)
    if len(distinct) <= _BINS:
        best = [best_value(results, y[x == value]) for value in distinct]
        axes.plot(distinct, best, color=SERIES[1], marker="_", markersize=12, linestyle="")
    else:
        _outline_bins(axes, results, x, y, log=log)


def _outline_bins(axes: Axes, results: Frames, x: Array, y: Array, *, log: bool) -> None:
    """Draw the best value y (N,) of each of BINS bins of x (N,), evenly wide as they are drawn."""
    spaced = np.geomspace if log else np.linspace
    edges = spaced(x.min(), x.max(), _BINS + 1)
    bins = np.clip(np.digitize(x, edges) - 1, 0, _BINS - 1)
    best = [best_value(results, y[bins == number]) for number in range(_BINS)]
    axes.stairs(best, edges, color=SERIES[1], baseline=None, linewidth=1.5)


def _against_choice(axes: Axes, results: Frames, points: pd.DataFrame, name: str) -> None:
    levels = [str(level) for level in sorted(points[name].unique())]
    texts = points[name].astype(str)
    for position, level in enumerate(levels):
        values = points.loc[texts == level, "value"].to_numpy(float)
        beside = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(1)
        axes.scatter(position + beside, values, s=12, color=SERIES[0], alpha=0.6, linewidth=0)
        best = best_value(results, values)
        axes.hlines(best, position - 0.3, position + 0.3, color=SERIES[1])
    is_crowded = sum(len(level) for level in levels) > 24
    axes.set_xticks(range(len(levels)), levels, rotation=20 if is_crowded else 0, fontsize=8)
    axes.set_xlim(-0.6, len(levels) - 0.4)
