"""The plots of settings: the value against each, how much each matters, and all at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.plots.svg import FAINT, INK, SERIES, Plot, as_plot, make_panels
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import best_value, ranked_points, thinned
from analysis.selection.settings import short_name, varied_settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST_PANELS = 8
_MOST_LINES = 300
_BINS = 8


def parameters(results: Frames) -> Plot | None:
    """The value against each setting, with the best of each bin outlined."""
    points = thinned(ranked_points(results))
    names = [name for name in varied_settings(results) if points[name].nunique() > 1][:_MOST_PANELS]
    if len(points) < 2 or not names:
        return None
    figure, panels = make_panels(len(names), 2, 2.3)
    for axes, name in zip(panels, names, strict=True):
        known = points.dropna(subset=name)
        if _is_numeric(known[name]) and not _is_choice(results, name):
            _against_number(axes, results, known, name)
        else:
            _against_choice(axes, results, known, name)
        axes.set(xlabel=name, ylabel=objective_of(results).metric)
    text = "Each complete point's value against its settings; the line is the best of each bin."
    return as_plot(figure, "parameters", "Value against each setting", text)


def _is_numeric(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def _is_log(results: Frames, name: str) -> bool:
    """Whether a setting was sampled on a logarithmic scale."""
    path = name.removeprefix("recipe.")
    variables = [variable for study in results.studies for variable in study.spec.space.at(path)]
    return any(getattr(variable.distribution, "log", False) for variable in variables)


def _is_choice(results: Frames, name: str) -> bool:
    """Whether a setting has choices in no order."""
    path = name.removeprefix("recipe.")
    variables = [variable for study in results.studies for variable in study.spec.space.at(path)]
    return bool(variables) and not any(
        hasattr(variable.distribution, "low") for variable in variables
    )


def _against_number(axes: Axes, results: Frames, points: pd.DataFrame, name: str) -> None:
    x, y = points[name].to_numpy(float), points["value"].to_numpy(float)
    log = _is_log(results, name) and bool((x > 0).all())
    axes.scatter(x, y, s=12, color=SERIES[0], alpha=0.6, linewidth=0)
    if log:
        axes.set_xscale("log")
    else:
        axes.locator_params(axis="x", nbins=4)
    distinct = np.unique(x)
    if len(distinct) <= _BINS:
        best = [best_value(results, y[x == value]) for value in distinct]
        axes.plot(distinct, best, color=SERIES[1], marker="_", markersize=12, linestyle="")
    else:
        edges = (
            np.geomspace(x.min(), x.max(), _BINS + 1)
            if log
            else np.linspace(x.min(), x.max(), _BINS + 1)
        )
        bins = np.clip(np.digitize(x, edges) - 1, 0, _BINS - 1)
        best = [best_value(results, y[bins == i]) for i in range(_BINS)]
        axes.stairs(best, edges, color=SERIES[1], baseline=None, linewidth=1.5)


def _against_choice(axes: Axes, results: Frames, points: pd.DataFrame, name: str) -> None:
    levels = [str(level) for level in sorted(points[name].unique())]
    texts = points[name].astype(str)
    for position, level in enumerate(levels):
        values = points.loc[texts == level, "value"].to_numpy(float)
        spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(1)
        axes.scatter(position + spread, values, s=12, color=SERIES[0], alpha=0.6, linewidth=0)
        axes.hlines(best_value(results, values), position - 0.3, position + 0.3, color=SERIES[1])
    axes.set_xticks(
        range(len(levels)), levels, rotation=20 if sum(map(len, levels)) > 24 else 0, fontsize=8
    )
    axes.set_xlim(-0.6, len(levels) - 0.4)


def importances(results: Frames) -> Plot | None:
    """How much each setting matters to a forest of regression trees, with its spread over
    resamples.
    """
    from analysis.tables.settings.importance import SHARE_LABEL, importance

    found = importance(results)
    if found is None:
        return None
    shares = found.displayed[::-1]
    figure, (axes,) = make_panels(height_in=max(1.6, 0.36 * len(shares) + 0.7))
    names, estimates = [name for name, _ in shares], [share for _, share in shares]
    values = [share.value for share in estimates]
    low = [share.value - share.low for share in estimates]
    high = [share.high - share.value for share in estimates]
    axes.barh(
        names, values, color=SERIES[0], alpha=0.85 if found.r_squared > 0 else 0.25, height=0.6
    )
    axes.errorbar(values, names, xerr=[low, high], fmt="none", ecolor=INK, capsize=3, linewidth=1)
    axes.set_xlim(left=0)
    axes.set(xlabel=SHARE_LABEL)
    text = (
        f"{found.quality} A bar is the share of that variance that involves the setting, found by"
        " shuffling it; lines are the middle 90 % of resamples."
    )
    return as_plot(figure, "importances", "Importance of settings", text)


def parallel(results: Frames) -> Plot | None:
    """Every complete point as a line across its settings, colored by its value."""
    points = ranked_points(results).iloc[:_MOST_LINES].iloc[::-1]
    names = [name for name in varied_settings(results) if points[name].nunique() > 1][:_MOST_PANELS]
    if len(points) < 2 or len(names) < 2:
        return None
    import matplotlib

    figure, (axes,) = make_panels()
    scales = {name: _positions(results, points[name], name) for name in names}
    heights = np.column_stack([scales[name][0] for name in names])
    order = (
        points["value"]
        .rank(pct=True, ascending=not objective_of(results).is_minimized)
        .to_numpy(float)
    )
    colors = matplotlib.colormaps["viridis"](0.1 + 0.8 * order)
    for line, color, share in zip(heights, colors, order, strict=True):
        axes.plot(
            range(len(names)),
            line,
            color=color,
            alpha=0.35 + 0.6 * share**3,
            linewidth=0.7 + 1.3 * share**6,
        )
    for position, name in enumerate(names):
        axes.axvline(position, color=FAINT, linewidth=0.8)
        for height, label in scales[name][1]:
            axes.text(position + 0.03, height, label, fontsize=7, va="center")
    axes.set_xticks(range(len(names)), [short_name(name) for name in names], fontsize=8)
    axes.set_yticks([])
    axes.set_xlim(-0.1, len(names) - 0.6)
    axes.spines["left"].set_visible(False)
    text = (
        "Each complete point is a line across its settings; the brighter and thicker, the better"
        " its value."
    )
    return as_plot(figure, "parallel", "Parallel coordinates", text)


def _positions(
    results: Frames, values: pd.Series[Any], name: str
) -> tuple[statistics.Array, list[tuple[float, str]]]:
    """Heights in [0, 1] of a setting's values (missing ones below, at -0.1), and the labels of its
    axis.
    """
    if _is_numeric(values):
        numbers = values.to_numpy(float, na_value=np.nan)
        log = _is_log(results, name) and bool(np.nanmin(numbers) > 0)
        scaled = np.log(numbers) if log else numbers
        low, high = float(np.nanmin(scaled)), float(np.nanmax(scaled))
        heights = (
            (scaled - low) / (high - low) if high > low else np.where(np.isnan(scaled), np.nan, 0.5)
        )
        ends = [(0.0, f"{np.nanmin(numbers):.3g}"), (1.0, f"{np.nanmax(numbers):.3g}")]
        labels = ends if high > low else [(0.5, ends[0][1])]
    else:
        levels = sorted(values.dropna().astype(str).unique())
        places = {level: i / max(1, len(levels) - 1) for i, level in enumerate(levels)}
        heights = np.array([places.get(str(value), np.nan) for value in values], dtype=float)
        labels = [(place, level) for level, place in places.items()]
    if np.isnan(heights).any():
        labels = [*labels, (-0.1, "–")]
    return np.nan_to_num(heights, nan=-0.1), labels
