"""The plot of parallel coordinates: every point as a line across its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.frames import Frames
from analysis.plots.svg import FAINT, Plot, as_plot, make_panels
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import ranked_points
from analysis.selection.settings import (
    is_log_scaled,
    is_numeric_setting,
    short_name,
    varied_settings,
)
from analysis.statistics import Array

_MOST_SETTINGS = 8
_MOST_LINES = 300
_MISSING_HEIGHT = -0.1


def parallel_plot(results: Frames) -> Plot | None:
    """Draw the best points' lines, the better the brighter and thicker."""
    points = ranked_points(results).iloc[:_MOST_LINES]
    points = points.iloc[::-1]  # the best are drawn last, over the others
    names = [name for name in varied_settings(results) if points[name].nunique() > 1]
    names = names[:_MOST_SETTINGS]
    if len(points) < 2 or len(names) < 2:
        return None
    import matplotlib

    figure, (axes,) = make_panels()
    scales = [_scale_of(results, points[name], name) for name in names]
    lines = np.column_stack([scale.heights for scale in scales])  # (points, settings)
    is_minimized = objective_of(results).is_minimized
    order = points["value"].rank(pct=True, ascending=not is_minimized).to_numpy(float)
    colors = matplotlib.colormaps["viridis"](0.1 + 0.8 * order)
    for line, color, share in zip(lines, colors, order, strict=True):
        axes.plot(
            range(len(names)),
            line,
            color=color,
            alpha=0.35 + 0.6 * share**3,
            linewidth=0.7 + 1.3 * share**6,
        )
    for position, scale in enumerate(scales):
        axes.axvline(position, color=FAINT, linewidth=0.8)
        for height, label in scale.labels:
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


@dataclass(frozen=True)
class _Scale:
    """A setting's vertical axis: the height of each point's value, and what is written where.

    Heights, shape (points,), lie in [0, 1]; that of a missing value is MISSING_HEIGHT.
    """

    heights: Array
    labels: list[tuple[float, str]]


def _scale_of(results: Frames, values: pd.Series[Any], name: str) -> _Scale:
    if is_numeric_setting(values):
        scale = _number_scale(values.to_numpy(float, na_value=np.nan), is_log_scaled(results, name))
    else:
        scale = _choice_scale(values)
    labels = scale.labels
    if np.isnan(scale.heights).any():
        labels = [*labels, (_MISSING_HEIGHT, "–")]
    return _Scale(np.nan_to_num(scale.heights, nan=_MISSING_HEIGHT), labels)


def _number_scale(numbers: Array, is_log: bool) -> _Scale:
    """Return the scale of numbers (N,) from the least to the greatest; nan stays nan."""
    least, greatest = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    scaled = np.log(numbers) if is_log and least > 0 else numbers
    low, high = float(np.nanmin(scaled)), float(np.nanmax(scaled))
    if high > low:
        heights = (scaled - low) / (high - low)
        return _Scale(heights, [(0.0, f"{least:.3g}"), (1.0, f"{greatest:.3g}")])
    heights = np.where(np.isnan(scaled), np.nan, 0.5)
    return _Scale(heights, [(0.5, f"{least:.3g}")])


def _choice_scale(values: pd.Series[Any]) -> _Scale:
    """Return the scale of choices in the order of their names, evenly spaced; missing ones nan."""
    levels = sorted(values.dropna().astype(str).unique())
    last = max(1, len(levels) - 1)
    place = {level: number / last for number, level in enumerate(levels)}
    heights = np.array([place.get(str(value), np.nan) for value in values], dtype=float)
    return _Scale(heights, [(height, level) for level, height in place.items()])
