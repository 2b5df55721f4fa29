"""What several plots put on their axes: whole numbers, legends' marks, points' names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from analysis.frames import Frames
from analysis.selection.trials import has_several_studies

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D


def use_whole_numbers(axes: Axes) -> None:
    """Put the ticks of the horizontal axis at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def legend_mark(label: str, color: str, marker: str = "s") -> Line2D:
    """Return a legend's entry: a square, or another marker, in a color."""
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="", marker=marker, color=color, label=label)


def add_legend_below(figure: Figure, marks: list[Line2D], columns: int) -> None:
    """Put a legend below the axes."""
    figure.legend(handles=marks, fontsize=8, loc="outside lower center", ncols=columns)


def point_label(results: Frames, point: Mapping[Any, Any]) -> str:
    """Return a point's name, with its study's where several are loaded."""
    number = f"point {point['point']}"
    return f"{point['study']}, {number}" if has_several_studies(results) else number
