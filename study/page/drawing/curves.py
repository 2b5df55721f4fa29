"""Curves over epochs as inline SVG: what a browser shows without any script."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from study.files.visible_text import visible

WIDTH, HEIGHT = 360, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 8, 22
_COLORS = 7
_MOST_POINTS = 400
"""A curve of more points is thinned: a drawing has no more columns."""


@dataclass(frozen=True)
class Curve:
    """A line through ``points`` (x, y); where y is no finite number the line is broken."""

    label: str
    points: Sequence[tuple[float, Any]]
    color: int | None = 0
    """The number of a series' color; None for a faint one."""

    def known(self) -> list[tuple[float, float]]:
        """Return the points that can be drawn."""
        found = []
        for x, y in self.points:
            is_number = isinstance(y, int | float) and not isinstance(y, bool)
            if is_number and math.isfinite(y):
                found.append((float(x), float(y)))
        return found[:: max(1, len(found) // _MOST_POINTS)]


def curves_svg(curves: Iterable[Curve], label: str) -> str:
    """Return the curves as an ``svg`` element; empty where none has a point."""
    drawn = [(curve, curve.known()) for curve in curves]
    points = [point for _, found in drawn for point in found]
    if not points:
        return ""
    scale = Scale.over(points)
    ends = [(scale.x_low, f"{scale.x_low:.4g}"), (scale.x_high, f"{scale.x_high:.4g}")]
    parts = [axes_svg(scale, ends)]
    for curve, found in drawn:
        parts.append(_line(curve, found, scale))
    title = html.escape(visible(label))
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">'
        f"{''.join(parts)}</svg>"
    )


@dataclass(frozen=True)
class Scale:
    """Where values lie in a drawing."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    @classmethod
    def over(cls, points: Sequence[tuple[float, float]]) -> Scale:
        """Return a scale that all points fit in."""
        xs, ys = [x for x, _ in points], [y for _, y in points]
        x_low, x_high = _widened(min(xs), max(xs))
        y_low, y_high = _widened(min(ys), max(ys))
        return cls(x_low, x_high, y_low, y_high)

    def x(self, value: float) -> float:
        share = (value - self.x_low) / (self.x_high - self.x_low)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.y_low) / (self.y_high - self.y_low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)


def _widened(low: float, high: float) -> tuple[float, float]:
    """Return two ends that differ."""
    if high > low:
        return low, high
    by = abs(low) * 0.05 or 0.5
    return low - by, high + by


def axes_svg(scale: Scale, labels: Sequence[tuple[float, str]]) -> str:
    """Draw lines at the ends and the middle of what is shown upward, and labels (x, text) below."""
    right = WIDTH - _RIGHT
    parts = []
    for y in (scale.y_low, (scale.y_low + scale.y_high) / 2, scale.y_high):
        at = scale.y(y)
        parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="{_LEFT - 5}" y="{at + 3.5}" text-anchor="end">{y:.3g}</text>')
    for x, text in labels:
        at = scale.x(x)
        anchor = "start" if at < _LEFT + 1 else "end" if at > right - 1 else "middle"
        shown = html.escape(visible(text))
        parts.append(f'<text x="{at}" y="{HEIGHT - 7}" text-anchor="{anchor}">{shown}</text>')
    return "".join(parts)


def _line(curve: Curve, points: Sequence[tuple[float, float]], scale: Scale) -> str:
    kind = "faint" if curve.color is None else f"s{curve.color % _COLORS}"
    title = f"<title>{html.escape(visible(curve.label))}</title>"
    if len(points) == 1:
        x, y = points[0]
        return f'<circle class="{kind}" cx="{scale.x(x)}" cy="{scale.y(y)}" r="3">{title}</circle>'
    path = " ".join(f"{scale.x(x)},{scale.y(y)}" for x, y in points)
    return f'<polyline class="{kind}" points="{path}">{title}</polyline>'
