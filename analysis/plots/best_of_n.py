"""The plot of the expected best value after n points, for each level of a scientific factor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis import statistics
from analysis.frames import Frames
from analysis.plots.axes import use_whole_numbers
from analysis.plots.svg import SERIES, Plot, as_plot, make_panels
from analysis.selection.factors import scientific_factor
from analysis.selection.figures import clip_to_metric
from analysis.selection.objectives import objective_of
from analysis.selection.settings import short_name
from analysis.tables.points.best_of_n import drawn_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def best_of_n_plot(results: Frames) -> Plot | None:
    """Draw a curve for each level with two drawn points or more, banded where it has intervals."""
    samples = {level: sample for level, sample in drawn_values(results).items() if len(sample) > 1}
    if not samples:
        return None
    objective = objective_of(results)
    figure, (axes,) = make_panels()
    for color, (level, sample) in zip(SERIES, samples.items(), strict=False):
        curve = statistics.expected_best_curve(sample, smallest=objective.is_minimized)
        values = [estimate.value for estimate in curve.values()]
        axes.plot(list(curve), values, color=color, label=level or "all points")
        known = {
            n: clip_to_metric(estimate, objective.metric)
            for n, estimate in curve.items()
            if estimate.known
        }
        _draw_intervals(axes, known, color)
    axes.set(xlabel="points", ylabel=f"expected best {objective.metric}")
    use_whole_numbers(axes)
    axes.legend(fontsize=8, title=short_name(scientific_factor(results)) or None)
    text = (
        "What the best of n points may be expected to reach, with 95 % intervals up to a quarter of"
        " the points: beyond, the best that was seen says too little of what might have been."
    )
    return as_plot(figure, "best-of-n", "Expected best of n points", text)


def _draw_intervals(axes: Axes, curve: dict[int, statistics.Estimate], color: str) -> None:
    """Draw intervals as a band; a single one as a bar, since a band has no width there."""
    low = [estimate.low for estimate in curve.values()]
    high = [estimate.high for estimate in curve.values()]
    if len(curve) > 1:
        axes.fill_between(list(curve), low, high, color=color, alpha=0.18, linewidth=0)
    else:
        axes.vlines(list(curve), low, high, color=color, alpha=0.5)
