"""How long it takes to reach a target, in epochs and in seconds.

A training that ended or failed without reaching it never does. One that was pruned, or still runs,
might have: its time lies between right after its last epoch and never. To count it as censored
(Kaplan and Meier) would be wrong, for a pruner stops just those that are slow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.factors import has_level, level_text, levels_of, scientific_factor
from analysis.selection.objectives import objective_of
from analysis.selection.trials import POINT_KEY, TRIAL_KEY, counted_trials, search_trials
from study.errors import UserError
from study.results.recipe_columns import recipe_column_name
from study.training.recipe.metric_catalog import is_minimized

_ENDED = ("COMPLETE", "FAIL")
"""The states of trials that have had their chance: what they have not reached they never do."""
_BOUNDS = ("epochs_earliest", "epochs_latest", "seconds_earliest", "seconds_latest")
OWN_TARGET = "the study's own target"
MEDIAN_TARGET = "the median of the points' best"
_IF_REACHED = "had the pruned reached it"
_MEANING = (
    (
        "A point's time is the median over those of its seeds that ran, the table's the median over"
        " points, with an exact interval from six points on."
    ),
    (
        "never: ended or failed without reaching it. ∞: fewer than half of the points reach it"
        " within their epochs, or just half."
    ),
)
_MEANING_OF_PRUNED = (
    (
        "pruned: pruned or still running, so that they might have reached it. The medians and the"
        " share count them as never reaching it; the 95 % intervals allow for whatever they would"
        " have done."
    ),
    (
        f"{_IF_REACHED}: the median if each of them had, right after it was stopped; where that"
        " differs."
    ),
)


def time_to_target_table(results: Frames, metric: str = "", target: float | None = None) -> Table:
    """The median time to a target over points, and the share of them that reach it, by level of a
    factor.
    """
    name = metric or objective_of(results).metric
    if name not in results.epochs:
        return _empty(f"The epochs hold no {name}, so no time to it can be told.")
    value, origin = default_target(results, name) if target is None else (target, "")
    if math.isnan(value):
        return _empty("No point is complete yet, so there is no target.")
    points = _point_times(results, name, value)
    if not len(points):
        return _empty("No trial has begun yet.")
    factor = recipe_column_name(scientific_factor(results))
    rows = [_row_of(level, group) for level, group in _by_level(results, points, factor)]
    notes = [*([f"The target is {origin}."] if origin else []), *_MEANING]
    if any(_might_have(points)):
        notes += _MEANING_OF_PRUNED
    sense = "≤" if _smaller_is_better(results, name) else "≥"
    return make_table(f"Time to {name} {sense} {value:.4g}", _headers(factor), rows, notes)


def _empty(note: str) -> Table:
    return make_table("Time to target", _headers(""), [], [note])


def _headers(factor: str) -> list[Header]:
    return [
        Header(factor or "study"),
        Header("points"),
        Header("reached"),
        Header("never"),
        Header("pruned"),
        Header("share", digits=2),
        Header("median epochs"),
        Header("epochs had the pruned reached it"),
        Header("median seconds", "s", 1),
        Header("seconds had the pruned reached it", "s", 1),
    ]


def _by_level(results: Frames, points: pd.DataFrame, factor: str) -> list[tuple[str, pd.DataFrame]]:
    """The points of each level of a factor, and all of them."""
    levels = levels_of(results, points, factor) if factor in points else []
    groups = [(level_text(level), points[has_level(points, factor, level)]) for level in levels]
    return [*groups, ("all", points)]


def _row_of(level: str, points: pd.DataFrame) -> list[Cell]:
    reached, pruned = (
        int((points["epochs_latest"] < math.inf).sum()),
        int(_might_have(points).sum()),
    )
    return [
        level,
        len(points),
        reached,
        len(points) - reached - pruned,
        pruned,
        statistics.binomial_share(reached, reached + pruned, len(points)),
        *_medians(points, "epochs"),
        *_medians(points, "seconds"),
    ]


def _might_have(points: pd.DataFrame) -> pd.Series[bool]:
    """Which points have not reached the target, as far as they came, and might have later."""
    return (points["epochs_earliest"] < math.inf) & (points["epochs_latest"] == math.inf)


def _medians(points: pd.DataFrame, unit: str) -> tuple[Cell, Cell]:
    """The latest that the median time can be, with its interval, and the earliest where that is
    another.
    """
    earliest, latest = points[f"{unit}_earliest"], points[f"{unit}_latest"]
    found = statistics.median_time(earliest, latest)
    if not found.n:
        return None, None
    least = statistics.median_time(earliest, earliest).value
    return found, least if least < found.value else None


def _point_times(results: Frames, metric: str, value: float) -> pd.DataFrame:
    """The points that have begun, with the earliest and the latest time at which each can have
    reached the value.

    Each is the median over the point's seeds, inf for never; a time in seconds that the journal
    doesn't tell is nan.
    """
    trials = _with_bounds(time_to(results, metric, value))
    times = trials.groupby(POINT_KEY)[list(_BOUNDS)].agg(_median_of)
    return results.points.merge(times.reset_index(), on=POINT_KEY).sort_values(
        POINT_KEY, kind="stable"
    )


def _median_of(seeds: pd.Series[float]) -> float:
    return float(np.median(seeds))


def _with_bounds(trials: pd.DataFrame) -> pd.DataFrame:
    """Trials of ``time_to`` with the earliest and the latest time at which each can have reached
    its target.
    """
    bounds = {}
    for unit, next_one in (("epochs", 1), ("seconds", 0)):
        times = trials[f"{unit}_to"]
        earliest = times.where(
            trials["reached"], (times + next_one).where(trials["bound"], math.inf)
        )
        bounds[f"{unit}_earliest"] = earliest
        bounds[f"{unit}_latest"] = earliest.where(trials["reached"] | earliest.isna(), math.inf)
    return trials.assign(**bounds)


def time_to(results: Frames, metric: str, value: float) -> pd.DataFrame:
    """The trials of the search, each with whether and when it reached a metric's value.

    ``epochs_to`` and ``seconds_to`` go up to there where it was ``reached`` and up to the trial's
    end where it wasn't. ``bound``: it wasn't, but the trial was pruned or still runs, so that it
    might have been later.
    """
    if metric not in results.epochs:
        raise UserError(
            f"a time is to a metric that the epochs hold, and they hold no {metric!r:.60}"
        )
    epochs = results.epochs.sort_values([*TRIAL_KEY, "epoch"], kind="stable")
    figures = epochs[metric].astype(float)
    hit = figures <= value if _smaller_is_better(results, metric) else figures >= value
    times = epochs.set_index(TRIAL_KEY)[["epoch", "seconds"]].astype(float)
    hits = times[hit.to_numpy()]
    first, last = (
        hits[~hits.index.duplicated(keep="first")],
        times[~times.index.duplicated(keep="last")],
    )
    reached = last.index.isin(first.index)
    last.loc[reached] = first
    ends = last.rename(columns={"epoch": "epochs_to", "seconds": "seconds_to"}).assign(
        reached=reached
    )
    trials = search_trials(results.trials).merge(ends.reset_index(), on=TRIAL_KEY, how="left")
    trials.loc[trials["epochs_to"].isna(), ["epochs_to", "seconds_to"]] = 0.0  # no epoch is done
    trials["reached"] = trials["reached"].eq(True)
    return trials.assign(bound=~trials["reached"] & ~trials["state"].isin(_ENDED))


def _smaller_is_better(results: Frames, metric: str) -> bool:
    """By the objective's direction where the metric is one and all studies agree in it, else by its
    name.
    """
    aims = [
        aim for study in results.studies for aim in study.spec.objectives if aim.metric == metric
    ]
    ways = {aim.is_minimized for aim in aims}
    return ways.pop() if len(ways) == 1 else is_minimized(metric)


def default_target(results: Frames, metric: str) -> tuple[float, str]:
    """A target and where it comes from: the study's own, else what half of the complete points
    reach; nan for none.
    """
    targets = {study.spec.stop.target for study in results.studies} - {None}
    if len(targets) == 1 and metric == objective_of(results).metric:
        return float(targets.pop() or 0.0), OWN_TARGET
    smallest = _smaller_is_better(results, metric)
    rows = results.epochs.merge(counted_trials(results.trials)[TRIAL_KEY], on=TRIAL_KEY).dropna(
        subset=metric
    )
    bests = (
        rows.astype({metric: float})
        .groupby([*POINT_KEY, "trial"])[metric]
        .agg("min" if smallest else "max")
    )
    if not len(bests):
        return math.nan, ""
    middles = [_median_best(list(seeds), smallest) for _, seeds in bests.groupby(POINT_KEY)]
    return _median_best(middles, smallest), MEDIAN_TARGET


def _median_best(values: Sequence[float], smallest: bool) -> float:
    """The median; of an even number the worse one of the middle two, which more than half reach."""
    ordered = sorted(values, reverse=smallest)  # the worst first
    return float(ordered[(len(ordered) - 1) // 2])
