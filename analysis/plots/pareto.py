"""The plot of the Pareto front: the objective against time, or against the second objective."""

from __future__ import annotations

from analysis.frames import Frames
from analysis.plots.svg import FAINT, SERIES, Plot, as_plot, make_panels
from analysis.selection.objectives import objectives_of
from analysis.selection.pareto_front import pareto_front, points_with_columns
from analysis.selection.ranking import ranked_points, thinned
from analysis.selection.trials import POINT_KEY


def pareto_plot(results: Frames) -> Plot | None:
    """Draw the points, and as a line those that none beats in both."""
    metrics = [objective.metric for objective in objectives_of(results)]
    has_two = len(metrics) > 1
    second = "value_2" if has_two else "total_seconds"
    label = metrics[1] if has_two else second
    if metrics[0] == label:
        return None
    points = points_with_columns(results, "value", second)
    if len(points) < 2:
        return None
    front = pareto_front(results, "value", second)
    figure, (axes,) = make_panels()
    in_order = [index for index in ranked_points(results).index if index in points.index]
    drawn = thinned(points.loc[in_order])
    axes.scatter(drawn[second], drawn["value"], s=12, color=FAINT, linewidth=0, label="points")
    steps = front.sort_values([second, "value", *POINT_KEY], kind="stable")
    axes.step(
        steps[second],
        steps["value"],
        where="post",
        color=SERIES[0],
        marker="o",
        markersize=4,
        label="front",
    )
    axes.set(xlabel=label, ylabel=metrics[0])
    axes.legend(fontsize=8)
    text = (
        f"{len(front)} of {len(points)} complete points are beaten by none in both {metrics[0]} and"
        f" {label}, each the mean over the point's seeds."
    )
    return as_plot(figure, "pareto", "Pareto front", text)
