"""From a matplotlib figure to inline SVG that follows the page's colors: light, dark or printed.

Figures are drawn in stand-in colors; in the SVG each becomes a CSS variable, with its light color
as the fallback, so one drawing serves both color schemes and a file of its own.
"""

from __future__ import annotations

import html
import io
import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH_IN = 6.2
INK, FAINT = "#010203", "#010204"
SERIES = ("#010211", "#010212", "#010213", "#010214", "#010215", "#010216", "#010217")
_LIGHT = ("#0b62a8", "#c2410c", "#15803d", "#9333ea", "#be185d", "#0e7490", "#b45309")
"""At least 4.5 : 1 on white; the page's dark scheme sets lighter ones."""
VARIABLES = {INK: ("ink", "#1c1c1c"), FAINT: ("faint", "#8a8a8a")}
"""For each stand-in color the CSS variable that it becomes, and its light color."""
for _number, (_stand_in, _color) in enumerate(zip(SERIES, _LIGHT, strict=True)):
    VARIABLES[_stand_in] = (f"s{_number}", _color)

_STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a value may hold dollar signs
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "lines.linewidth": 1.8,
}


@dataclass(frozen=True)
class Plot:
    """One plot: its name, a title, what a reader who can't see it is told, and the SVG element."""

    name: str
    title: str
    description: str
    svg: str

    def _repr_html_(self) -> str:
        return self.svg

    def file(self) -> str:
        """Return the plot as an SVG file of its own."""
        return f'<?xml version="1.0" encoding="utf-8"?>\n{self.svg}\n'

    def marked(self, mark: str) -> Plot:
        """Return the plot with a mark in its identities, unlike those of other plots on a page."""
        svg = self.svg.replace(f'="{self.name}-', f'="{self.name}-{mark}-')
        svg = svg.replace(f"#{self.name}-", f"#{self.name}-{mark}-")
        return replace(self, svg=svg)


@contextmanager
def plot_style() -> Iterator[None]:
    """Draw figures in our style while the context lasts."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):
        yield


def make_panels(
    panels: int = 1, columns: int = 1, height_in: float = 3.2
) -> tuple[Figure, list[Axes]]:
    """Return a figure with so many panels, in rows that are ``height_in`` inches high."""
    from matplotlib.figure import Figure

    rows = math.ceil(panels / columns)
    figure = Figure(figsize=(_WIDTH_IN, height_in * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for spare in axes[panels:]:
        spare.remove()
    return figure, list(axes[:panels])


def as_plot(figure: Figure, name: str, title: str, description: str) -> Plot:
    """Return the figure as inline SVG with a role, a label and colors by variable."""
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name}):
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    svg = _inlined(file.getvalue(), name, f"{title}. {description}")
    return Plot(name, title, description, svg)


def _inlined(svg: str, name: str, label: str) -> str:
    """Return the ``svg`` element alone, as wide as its place, with identities of its own."""
    element = svg[svg.index("<svg") :].strip()
    element = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", element, count=1)
    element = re.sub(r'<svg ([^>]*?)height="[^"]*"', r"<svg \1", element, count=1)
    # a rule for all elements would hold for the whole page
    element = element.replace("*{stroke-linejoin", f'[data-plot="{name}"] *{{stroke-linejoin')
    attributes = f'role="img" aria-label="{html.escape(label)}" data-plot="{name}"'
    element = element.replace("<svg ", f"<svg {attributes} ", 1)
    element = re.sub(r'\bid="', f'id="{name}-', element)
    element = re.sub(r'href="#', f'href="#{name}-', element)
    element = re.sub(r"url\(#", f"url(#{name}-", element)
    for stand_in, (variable, fallback) in VARIABLES.items():
        element = element.replace(stand_in, f"var(--{variable}, {fallback})")
    return element
