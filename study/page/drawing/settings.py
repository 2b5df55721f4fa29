"""A small plot for each setting: the values of complete points against it."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from study.files.visible_text import visible
from study.journal.trials import Point
from study.page.drawing.curves import HEIGHT, WIDTH, Scale, axes_svg

_MOST_PLOTS = 12
_MOST_DOTS = 300
_MOST_LEVELS = 12
_LOG_FROM = 50.0
"""Positive settings whose largest is so many times the least are drawn by their powers of ten."""


@dataclass(frozen=True)
class SettingPlot:
    """A setting's name and its drawing."""

    name: str
    svg: str


def setting_plots(points: Sequence[Point], metric: str) -> list[SettingPlot]:
    """Return a plot for each setting in which points that have a value differ."""
    complete = [point for point in points if point.value is not None]
    names: dict[str, None] = {}
    for point in complete:
        names |= dict.fromkeys(point.values)
    plots: list[SettingPlot] = []
    for name in names:
        svg = _plot_of(name, complete, metric) if len(plots) < _MOST_PLOTS else ""
        if svg:
            plots.append(SettingPlot(name, svg))
    return plots


def _plot_of(name: str, points: Sequence[Point], metric: str) -> str:
    """Draw the points' values against a setting; nothing where they don't differ in it."""
    pairs = [(point.values[name], point.first_value) for point in points if name in point.values]
    pairs = [(x, y) for x, y in pairs if math.isfinite(y)]
    pairs = pairs[:: max(1, math.ceil(len(pairs) / _MOST_DOTS))]
    levels = sorted({_text(x) for x, _ in pairs})
    if len(levels) < 2:
        return ""
    if all(isinstance(x, int | float) and not isinstance(x, bool) for x, _ in pairs):
        return _against_number(name, pairs, metric)
    if len(levels) > _MOST_LEVELS:
        return ""
    dots = [(float(levels.index(_text(x))), y) for x, y in pairs]
    scale = Scale.over([*dots, (-0.5, dots[0][1]), (len(levels) - 0.5, dots[0][1])])
    labels = [(float(place), level) for place, level in enumerate(levels)]
    return _drawing(name, dots, scale, labels, metric)


def _against_number(name: str, pairs: Sequence[tuple[float, float]], metric: str) -> str:
    least, most = min(x for x, _ in pairs), max(x for x, _ in pairs)
    is_log = least > 0 and most / least >= _LOG_FROM
    dots = [(math.log10(x) if is_log else float(x), y) for x, y in pairs]
    scale = Scale.over(dots)
    labels = [(scale.x_low, f"{least:.3g}"), (scale.x_high, f"{most:.3g}")]
    return _drawing(name, dots, scale, labels, metric)


def _drawing(
    name: str,
    dots: Sequence[tuple[float, float]],
    scale: Scale,
    labels: Sequence[tuple[float, str]],
    metric: str,
) -> str:
    path = "".join(f"M{scale.x(x):g} {scale.y(y):g}h0" for x, y in dots)
    title = html.escape(visible(f"{metric} against {name}, {len(dots)} points"))
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
        f'{axes_svg(scale, labels)}<path class="dots" d="{path}"/></svg>'
    )


def _text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
