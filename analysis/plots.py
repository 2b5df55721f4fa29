"""The plots of a report. Each is None where there is nothing to draw."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.effects import draws, scientific
from analysis.figure import FAINT, INK, SERIES, Plot, drawing, grid, plot
from analysis.pareto import front
from analysis.query import Results
from analysis.views import goal, goals, search, settings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS = 8
MOST_POINTS = 1500
MOST_LINES = 300
TOP = 5
BINS = 8
STATE_COLORS = {"COMPLETE": SERIES[0], "PRUNED": SERIES[6], "FAIL": SERIES[4], "RUNNING": SERIES[2], "WAITING": FAINT}


def learning_curves(results: Results) -> Plot | None:
    """The best points' metric over epochs, the mean over seeds with the seeds' range; all others behind them."""
    metric = goal(results).metric
    rows = results.epochs.dropna(subset=[metric]) if metric in results.epochs else results.epochs.iloc[:0]
    if not len(rows):
        return None
    figure, (axes,) = grid()
    best = ranked(results).head(TOP)
    keys = list(zip(best["study"], best["point"], strict=True))
    groups = dict(iter(rows.groupby(["study", "point"])))
    for key in [key for key in groups if key not in keys][-MOST_LINES:]:
        means = groups[key].groupby("epoch")[metric].mean()
        axes.plot(means.index, means, color=FAINT, linewidth=0.8, alpha=0.5)
    for color, key in zip(SERIES, keys, strict=False):
        seeds = groups[key].groupby("epoch")[metric]
        means = seeds.mean()
        axes.plot(means.index, means, color=color, label=f"point {key[1]}", marker="o", markersize=2.5)
        axes.fill_between(means.index, seeds.min(), seeds.max(), color=color, alpha=0.2, linewidth=0)
    axes.set(xlabel="epoch", ylabel=metric)
    whole_numbers(axes)
    if keys:
        axes.legend(fontsize=8)
    text = f"{metric} over epochs of the best {len(keys)} points: the mean over seeds, banded from worst to best seed."
    return plot(figure, "learning-curves", "Learning curves", text)


def ranked(results: Results) -> pd.DataFrame:
    """The complete points, best first."""
    return results.points.dropna(subset="value").sort_values("value", ascending=goal(results).smallest)


def parameters(results: Results) -> Plot | None:
    """The value against each setting, with the best of each bin outlined."""
    points = thinned(ranked(results))
    names = [name for name in settings(results) if points[name].nunique() > 1][:MOST_PANELS]
    if len(points) < 2 or not names:
        return None
    figure, panels = grid(len(names), 2, 2.3)
    for axes, name in zip(panels, names, strict=True):
        known = points.dropna(subset=name)
        if is_numeric(known[name]) and not is_choice(results, name):
            against_number(axes, results, known, name)
        else:
            against_choice(axes, results, known, name)
        axes.set(xlabel=name, ylabel=goal(results).metric)
    text = "Each complete point's value against its settings; the line is the best of each bin."
    return plot(figure, "parameters", "Value against each setting", text)


def thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_POINTS rows, the best and evenly spread others."""
    return rows.iloc[:: -(-len(rows) // MOST_POINTS) or 1] if len(rows) else rows


def is_numeric(values: pd.Series[Any]) -> bool:
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def is_log(results: Results, name: str) -> bool:
    """Whether a setting was sampled on a logarithmic scale."""
    path = name.removeprefix("recipe.")
    variables = [variable for study in results.studies for variable in study.spec.space.at(path)]
    return any(getattr(variable.distribution, "log", False) for variable in variables)


def whole_numbers(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def is_choice(results: Results, name: str) -> bool:
    """Whether a setting has choices in no order."""
    path = name.removeprefix("recipe.")
    variables = [variable for study in results.studies for variable in study.spec.space.at(path)]
    return bool(variables) and not any(hasattr(variable.distribution, "low") for variable in variables)


def against_number(axes: Axes, results: Results, points: pd.DataFrame, name: str) -> None:
    x, y = points[name].to_numpy(float), points["value"].to_numpy(float)
    log = is_log(results, name) and bool((x > 0).all())
    axes.scatter(x, y, s=12, color=SERIES[0], alpha=0.6, linewidth=0)
    if log:
        axes.set_xscale("log")
    else:
        axes.locator_params(axis="x", nbins=4)
    distinct = np.unique(x)
    if len(distinct) <= BINS:
        best = [best_of(results, y[x == value]) for value in distinct]
        axes.plot(distinct, best, color=SERIES[1], marker="_", markersize=12, linestyle="")
    else:
        edges = np.geomspace(x.min(), x.max(), BINS + 1) if log else np.linspace(x.min(), x.max(), BINS + 1)
        bins = np.clip(np.digitize(x, edges) - 1, 0, BINS - 1)
        best = [best_of(results, y[bins == i]) for i in range(BINS)]
        axes.stairs(best, edges, color=SERIES[1], baseline=None, linewidth=1.5)


def best_of(results: Results, values: statistics.Array) -> float:
    if not len(values):
        return float("nan")
    return float(values.min() if goal(results).smallest else values.max())


def against_choice(axes: Axes, results: Results, points: pd.DataFrame, name: str) -> None:
    levels = [str(level) for level in sorted(points[name].unique())]
    texts = points[name].astype(str)
    for position, level in enumerate(levels):
        values = points.loc[texts == level, "value"].to_numpy(float)
        spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else np.zeros(1)
        axes.scatter(position + spread, values, s=12, color=SERIES[0], alpha=0.6, linewidth=0)
        axes.hlines(best_of(results, values), position - 0.3, position + 0.3, color=SERIES[1])
    axes.set_xticks(range(len(levels)), levels, rotation=20 if sum(map(len, levels)) > 24 else 0, fontsize=8)
    axes.set_xlim(-0.6, len(levels) - 0.4)


def importances(results: Results) -> Plot | None:
    """How much each setting matters to a forest of regression trees, with its spread over resamples."""
    from analysis.importance import importance

    found = importance(results)
    if not found:
        return None
    figure, (axes,) = grid(height_in=max(1.6, 0.36 * len(found) + 0.7))
    names = [name for name, _ in reversed(found)]
    estimates = [estimate for _, estimate in reversed(found)]
    values = [estimate.value for estimate in estimates]
    low = [max(0.0, estimate.value - estimate.low) for estimate in estimates]
    high = [max(0.0, estimate.high - estimate.value) for estimate in estimates]
    axes.barh(names, values, color=SERIES[0], alpha=0.85, height=0.6)
    axes.errorbar(values, names, xerr=[low, high], fmt="none", ecolor=INK, capsize=3, linewidth=1)
    axes.set(xlabel="share of the value's variance lost when the setting is shuffled")
    text = "Permutation importance on points left out of a random forest; lines are the middle 90 % of resamples."
    return plot(figure, "importances", "Importance of settings", text)


def parallel(results: Results) -> Plot | None:
    """Every complete point as a line across its settings, colored by its value."""
    points = ranked(results).iloc[:MOST_LINES].iloc[::-1]
    names = [name for name in settings(results) if points[name].nunique() > 1][:MOST_PANELS]
    if len(points) < 2 or len(names) < 2:
        return None
    import matplotlib

    figure, (axes,) = grid()
    scales = {name: positions(results, points[name], name) for name in names}
    heights = np.column_stack([scales[name][0] for name in names])
    order = points["value"].rank(pct=True, ascending=not goal(results).smallest).to_numpy(float)
    colors = matplotlib.colormaps["viridis"](0.1 + 0.8 * order)
    for line, color, share in zip(heights, colors, order, strict=True):
        axes.plot(range(len(names)), line, color=color, alpha=0.35 + 0.6 * share**3, linewidth=0.7 + 1.3 * share**6)
    for position, name in enumerate(names):
        axes.axvline(position, color=FAINT, linewidth=0.8)
        for height, label in scales[name][1]:
            axes.text(position + 0.03, height, label, fontsize=7, va="center")
    axes.set_xticks(range(len(names)), [short(name) for name in names], fontsize=8)
    axes.set_yticks([])
    axes.set_xlim(-0.1, len(names) - 0.6)
    axes.spines["left"].set_visible(False)
    text = "Each complete point is a line across its settings; the brighter and thicker, the better its value."
    return plot(figure, "parallel", "Parallel coordinates", text)


def short(name: str) -> str:
    return name.removesuffix(".name").rpartition(".")[2]


def positions(results: Results, values: pd.Series[Any], name: str) -> tuple[statistics.Array, list[tuple[float, str]]]:
    """Heights in [0, 1] of a setting's values (missing ones below, at -0.1), and the labels of its axis."""
    if is_numeric(values):
        numbers = values.to_numpy(float, na_value=np.nan)
        log = is_log(results, name) and bool(np.nanmin(numbers) > 0)
        scaled = np.log(numbers) if log else numbers
        low, high = float(np.nanmin(scaled)), float(np.nanmax(scaled))
        heights = (scaled - low) / (high - low) if high > low else np.where(np.isnan(scaled), np.nan, 0.5)
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


def pareto(results: Results) -> Plot | None:
    """The objective against time (or the second objective), and the trials that none beats in both."""
    objectives = [objective.metric for objective in goals(results)]
    first = f"{objectives[0]}_last" if f"{objectives[0]}_last" in results.trials else objectives[0]
    second = objectives[1] if len(objectives) > 1 and objectives[1] in results.trials else "total_seconds"
    if first == second or first not in results.trials:
        return None
    trials = search(results.trials)
    trials = trials[trials["state"] == "COMPLETE"].dropna(subset=[first, second])
    if len(trials) < 2:
        return None
    best = front(results, first, second)
    figure, (axes,) = grid()
    shown = thinned(trials)
    axes.scatter(shown[second], shown[first], s=12, color=FAINT, linewidth=0, label="trials")
    steps = best.sort_values(second)
    axes.step(steps[second], steps[first], where="post", color=SERIES[0], marker="o", markersize=4, label="front")
    axes.set(xlabel=second, ylabel=first)
    axes.legend(fontsize=8)
    text = f"{len(best)} of {len(trials)} complete trials are beaten by none in both {first} and {second}."
    return plot(figure, "pareto", "Pareto front", text)


def epoch_times(results: Results) -> Plot | None:
    """First and steady epoch time of the best points, training and evaluation apart."""
    rows = results.epochs.dropna(subset=["train_seconds", "eval_seconds"])
    points = ranked(results).head(TOP * 2)
    if not len(rows) or not len(points):
        return None
    figure, (axes,) = grid(height_in=max(1.8, 0.34 * len(points) + 0.9))
    labels = []
    for position, point in enumerate(points.iloc[::-1].to_dict("records")):
        own = rows[(rows["study"] == point["study"]) & (rows["point"] == point["point"])]
        steady = own[own["epoch"] > 1] if (own["epoch"] > 1).any() else own
        train, evaluation = float(steady["train_seconds"].median()), float(steady["eval_seconds"].median())
        first = own[own["epoch"] == 1]
        axes.barh(position, train, color=SERIES[0], height=0.55)
        axes.barh(position, evaluation, left=train, color=SERIES[2], height=0.55)
        axes.plot([float((first["train_seconds"] + first["eval_seconds"]).mean())], [position], "D", color=SERIES[1])
        labels.append(f"point {point['point']}")
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.set(xlabel="seconds an epoch")
    figure.legend(
        handles=[
            handle("steady: training", SERIES[0]),
            handle("steady: evaluation", SERIES[2]),
            handle("first epoch", SERIES[1], marker="D"),
        ],
        fontsize=8,
        loc="outside lower center",
        ncols=3,
    )
    text = "Median training and evaluation time of the epochs after the first, and the first epoch, which warms up."
    return plot(figure, "epoch-times", "Epoch times", text)


def handle(label: str, color: str, marker: str = "s") -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], linestyle="", marker=marker, color=color, label=label)


def timeline(results: Results) -> Plot | None:
    """Which trial held which worker when."""
    from analysis.timeline import lanes

    spans = lanes(results)
    if not spans:
        return None
    begin = min(span.start for span in spans)
    scale, unit = (3600.0, "hours") if max(span.end for span in spans) - begin > 7200 else (1.0, "seconds")
    names = list(dict.fromkeys(span.lane for span in spans))
    figure, (axes,) = grid(height_in=max(1.6, 0.26 * len(names) + 0.9))
    for state, color in STATE_COLORS.items():
        for row, name in enumerate(names):
            bars = [
                ((span.start - begin) / scale, (span.end - span.start) / scale)
                for span in spans
                if span.lane == name and span.state == state
            ]
            if bars:
                axes.broken_barh(bars, (row - 0.38, 0.76), facecolors=color, edgecolor="none")
    present = [state for state in STATE_COLORS if any(span.state == state for span in spans)]
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.set(xlabel=f"{unit} since the first trial began")
    figure.legend(
        handles=[handle(state, STATE_COLORS[state]) for state in present],
        fontsize=8,
        loc="outside lower center",
        ncols=5,
    )
    text = f"{len(spans)} attempts at trials on {len(names)} workers, colored by what became of the trial."
    return plot(figure, "timeline", "Trials on workers", text)


def best_of_n_curves(results: Results) -> Plot | None:
    """The expected best value after n points, for each level of a scientific factor."""
    samples = {level: values for level, values in draws(results).items() if len(values) > 1}
    if not samples:
        return None
    figure, (axes,) = grid()
    for color, (level, values) in zip(SERIES, samples.items(), strict=False):
        curve = statistics.best_of_n_curve(values, smallest=goal(results).smallest)
        n, estimates = list(curve), list(curve.values())
        axes.plot(n, [estimate.value for estimate in estimates], color=color, label=level or "all points")
        bounds = [estimate.low for estimate in estimates], [estimate.high for estimate in estimates]
        axes.fill_between(n, *bounds, color=color, alpha=0.18, linewidth=0)
    axes.set(xlabel="points", ylabel=f"expected best {goal(results).metric}")
    whole_numbers(axes)
    axes.legend(fontsize=8, title=short(scientific(results)) or None)
    text = "What the best of n points may be expected to reach, with bootstrap intervals."
    return plot(figure, "best-of-n", "Expected best of n points", text)


PLOTS: dict[str, Callable[[Results], Plot | None]] = {
    "learning-curves": learning_curves,
    "parameters": parameters,
    "importances": importances,
    "parallel": parallel,
    "best-of-n": best_of_n_curves,
    "pareto": pareto,
    "epoch-times": epoch_times,
    "timeline": timeline,
}


def draw(results: Results) -> list[Plot]:
    """Every plot that the results can fill."""
    with drawing():
        return [found for make in PLOTS.values() if (found := make(results)) is not None]
