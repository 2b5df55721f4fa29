"""The plots of a report. Each is None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from analysis import statistics
from analysis.frames import Frames
from analysis.plots.setting_plots import importances, parallel, parameters
from analysis.plots.svg import FAINT, SERIES, Plot, as_plot, make_panels, plot_style
from analysis.selection.curves import curve_trials, epoch_rows_of, mean_by_epoch
from analysis.selection.factors import scientific_factor
from analysis.selection.figures import clip_to_metric
from analysis.selection.objectives import objective_of, objectives_of
from analysis.selection.pareto_front import pareto_front, points_with_columns
from analysis.selection.ranking import ranked_points, thinned
from analysis.selection.settings import short_name
from analysis.selection.trials import POINT_KEY, has_several_studies
from analysis.tables.points.best_of_n import drawn_values

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

_MOST_LINES = 300
_TOP = 5
_STATE_COLORS = {
    "COMPLETE": SERIES[0],
    "PRUNED": SERIES[6],
    "FAIL": SERIES[4],
    "RUNNING": SERIES[2],
    "WAITING": FAINT,
}


def learning_curves(results: Frames) -> Plot | None:
    """The best points' metric over epochs, the mean over seeds with the seeds' range; all others
    behind them.
    """
    metric = objective_of(results).metric
    trials = curve_trials(results.trials)
    rows = (
        epoch_rows_of(results, trials).dropna(subset=[metric])
        if metric in results.epochs
        else results.epochs.iloc[:0]
    )
    if not len(rows):
        return None
    figure, (axes,) = make_panels()
    groups = dict(iter(rows.groupby(POINT_KEY)))
    best = [key for key in _keys_of(ranked_points(results).head(_TOP)) if key in groups]
    for key in [key for key in groups if key not in best][-_MOST_LINES:]:
        curve = mean_by_epoch(groups[key], metric)
        axes.plot(curve.index, curve["mean"], color=FAINT, linewidth=0.8, alpha=0.5)
    begun = trials.groupby(POINT_KEY).size()
    for color, key in zip(SERIES, best, strict=False):
        curve = mean_by_epoch(groups[key], metric)
        label = _point_label(results, key) + _seeds_label(curve, int(begun[key]))
        axes.plot(curve.index, curve["mean"], color=color, label=label, marker="o", markersize=2.5)
        axes.fill_between(
            curve.index, curve["min"], curve["max"], color=color, alpha=0.2, linewidth=0
        )
    axes.set(xlabel="epoch", ylabel=metric)
    _whole_numbers(axes)
    if best:
        axes.legend(fontsize=8)
    text = (
        f"{metric} over epochs of the best {len(best)} points: the mean over seeds, banded from"
        " worst to best seed, up to the last epoch that all of the point's seeds reached."
    )
    return as_plot(figure, "learning-curves", "Learning curves", text)


def _keys_of(points: pd.DataFrame) -> list[tuple[str, int]]:
    return list(zip(points["study"], points["point"], strict=True))


def _point_label(results: Frames, key: tuple[str, int]) -> str:
    return f"{key[0]}, point {key[1]}" if has_several_studies(results) else f"point {key[1]}"


def _seeds_label(curve: pd.DataFrame, begun: int) -> str:
    """How many of a point's seeds its curve is of, where some have no epoch."""
    count = int(curve["count"].iloc[0])
    return f" ({count} of {begun} seeds)" if count < begun else ""


def pareto(results: Frames) -> Plot | None:
    """The objective against time (or the second objective), and the points that none beats in
    both.
    """
    names = [objective.metric for objective in objectives_of(results)]
    second = "value_2" if len(names) > 1 else "total_seconds"
    label = names[1] if len(names) > 1 else second
    if names[0] == label:
        return None
    points = points_with_columns(results, "value", second)
    if len(points) < 2:
        return None
    best = pareto_front(results, "value", second)
    figure, (axes,) = make_panels()
    shown = thinned(
        points.loc[[index for index in ranked_points(results).index if index in points.index]]
    )
    axes.scatter(shown[second], shown["value"], s=12, color=FAINT, linewidth=0, label="points")
    steps = best.sort_values([second, "value", *POINT_KEY], kind="stable")
    axes.step(
        steps[second],
        steps["value"],
        where="post",
        color=SERIES[0],
        marker="o",
        markersize=4,
        label="front",
    )
    axes.set(xlabel=label, ylabel=names[0])
    axes.legend(fontsize=8)
    text = (
        f"{len(best)} of {len(points)} complete points are beaten by none in both {names[0]} and"
        f" {label}, each the mean over the point's seeds."
    )
    return as_plot(figure, "pareto", "Pareto front", text)


def _epoch_times(results: Frames) -> Plot | None:
    """First and steady epoch time of the best points, training and evaluation apart."""
    rows = results.epochs.dropna(subset=["train_seconds", "eval_seconds"])
    points = ranked_points(results).head(_TOP * 2)
    if not len(rows) or not len(points):
        return None
    figure, (axes,) = make_panels(height_in=max(1.8, 0.34 * len(points) + 0.9))
    labels = []
    for position, point in enumerate(points.iloc[::-1].to_dict("records")):
        own = rows[(rows["study"] == point["study"]) & (rows["point"] == point["point"])]
        steady = own[own["epoch"] > 1] if (own["epoch"] > 1).any() else own
        train, evaluation = (
            float(steady["train_seconds"].median()),
            float(steady["eval_seconds"].median()),
        )
        first = own[own["epoch"] == 1]
        axes.barh(position, train, color=SERIES[0], height=0.55)
        axes.barh(position, evaluation, left=train, color=SERIES[2], height=0.55)
        axes.plot(
            [float((first["train_seconds"] + first["eval_seconds"]).mean())],
            [position],
            "D",
            color=SERIES[1],
        )
        labels.append(_point_label(results, (point["study"], point["point"])))
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set(xlabel="seconds an epoch")
    figure.legend(
        handles=[
            _handle("steady: training", SERIES[0]),
            _handle("steady: evaluation", SERIES[2]),
            _handle("first epoch", SERIES[1], marker="D"),
        ],
        fontsize=8,
        loc="outside lower center",
        ncols=3,
    )
    text = (
        "Median training and evaluation time of the epochs after the first, and the first epoch,"
        " which warms up."
    )
    return as_plot(figure, "epoch-times", "Epoch times", text)


def _handle(label: str, color: str, marker: str = "s") -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="", marker=marker, color=color, label=label)


def _timeline(results: Frames) -> Plot | None:
    """Which trial held which worker when."""
    from analysis.plots.timeline import worker_spans

    spans = worker_spans(results)
    if not spans:
        return None
    begin = min(span.start for span in spans)
    scale, unit = (
        (3600.0, "hours") if max(span.end for span in spans) - begin > 7200 else (1.0, "seconds")
    )
    names = list(dict.fromkeys(span.lane for span in spans))
    figure, (axes,) = make_panels(height_in=max(1.6, 0.26 * len(names) + 0.9))
    for state, color in _STATE_COLORS.items():
        for row, name in enumerate(names):
            bars = [
                ((span.start - begin) / scale, (span.end - span.start) / scale)
                for span in spans
                if span.lane == name and span.state == state
            ]
            if bars:
                axes.broken_barh(bars, (row - 0.38, 0.76), facecolors=color, edgecolor="none")
    present = [state for state in _STATE_COLORS if any(span.state == state for span in spans)]
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel=f"{unit} since the first trial began")
    figure.legend(
        handles=[_handle(state, _STATE_COLORS[state]) for state in present],
        fontsize=8,
        loc="outside lower center",
        ncols=5,
    )
    text = (
        f"{len(spans)} attempts at trials on {len(names)} workers, colored by what became of the"
        " trial."
    )
    return as_plot(figure, "timeline", "Trials on workers", text)


def best_of_n_curves(results: Frames) -> Plot | None:
    """The expected best value after n points, for each level of a scientific factor."""
    samples = {level: values for level, values in drawn_values(results).items() if len(values) > 1}
    metric = objective_of(results).metric
    if not samples:
        return None
    figure, (axes,) = make_panels()
    for color, (level, values) in zip(SERIES, samples.items(), strict=False):
        curve = statistics.expected_best_curve(values, smallest=objective_of(results).is_minimized)
        axes.plot(
            list(curve),
            [estimate.value for estimate in curve.values()],
            color=color,
            label=level or "all points",
        )
        known = {
            n: clip_to_metric(estimate, metric) for n, estimate in curve.items() if estimate.known
        }
        _band(axes, known, color)
    axes.set(xlabel="points", ylabel=f"expected best {metric}")
    _whole_numbers(axes)
    axes.legend(fontsize=8, title=short_name(scientific_factor(results)) or None)
    text = (
        "What the best of n points may be expected to reach, with 95 % intervals up to a quarter of"
        " the points: beyond, the best that was seen says too little of what might have been."
    )
    return as_plot(figure, "best-of-n", "Expected best of n points", text)


def _band(axes: Axes, curve: dict[int, statistics.Estimate], color: str) -> None:
    """Intervals as a band; a single one as a bar, since a band has no width there."""
    low, high = (
        [estimate.low for estimate in curve.values()],
        [estimate.high for estimate in curve.values()],
    )
    if len(curve) > 1:
        axes.fill_between(list(curve), low, high, color=color, alpha=0.18, linewidth=0)
    else:
        axes.vlines(list(curve), low, high, color=color, alpha=0.5)


PLOTS: dict[str, Callable[[Frames], Plot | None]] = {
    "learning-curves": learning_curves,
    "parameters": parameters,
    "importances": importances,
    "parallel": parallel,
    "best-of-n": best_of_n_curves,
    "pareto": pareto,
    "epoch-times": _epoch_times,
    "timeline": _timeline,
}


def _whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def draw_plots(results: Frames) -> list[Plot]:
    """Every plot that the results can fill."""
    with plot_style():
        return [found for make in PLOTS.values() if (found := make(results)) is not None]
