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
from analysis.selection.objectives import is_less_better, objective_of
from analysis.selection.trials import POINT_KEY, TRIAL_KEY, counted_trials, search_trials
from study.errors import UserError

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
    """Return the median time to a target over points, and the share of them that reach it.

    There is a row for each level of the scientific factor, and one for all. By default the metric
    is the objective's, and the target its ``default_target``.
    """
    name = metric or objective_of(results).metric
    if name not in results.epochs:
        return _empty_table(f"The epochs hold no {name}, so no time to it can be told.")
    origin = ""
    if target is None:
        target, origin = default_target(results, name)
    if math.isnan(target):
        return _empty_table("No point is complete yet, so there is no target.")
    points = _point_times(results, name, target)
    if not len(points):
        return _empty_table("No trial has begun yet.")
    factor = scientific_factor(results)
    rows = [_row_of(level, group) for level, group in _by_level(results, points, factor)]
    notes = [f"The target is {origin}."] if origin else []
    notes += _MEANING
    if _might_have_reached(points).any():
        notes += _MEANING_OF_PRUNED
    sense = "≤" if is_less_better(results, name) else "≥"
    return make_table(f"Time to {name} {sense} {target:.4g}", _headers(factor), rows, notes)


def _empty_table(note: str) -> Table:
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
    """Return the points of each level of a factor, and all of them."""
    levels = levels_of(results, points, factor) if factor in points else []
    groups = [(level_text(level), points[has_level(points, factor, level)]) for level in levels]
    return [*groups, ("all", points)]


def _row_of(level: str, points: pd.DataFrame) -> list[Cell]:
    count = len(points)
    reached = int((points["epochs_latest"] < math.inf).sum())
    pruned = int(_might_have_reached(points).sum())
    return [
        level,
        count,
        reached,
        count - reached - pruned,
        pruned,
        statistics.binomial_share(reached, reached + pruned, count),
        *_medians(points, "epochs"),
        *_medians(points, "seconds"),
    ]


def _might_have_reached(points: pd.DataFrame) -> pd.Series[bool]:
    """Return which points have not reached the target so far, and might have later."""
    has_not = points["epochs_latest"] == math.inf
    is_possible = points["epochs_earliest"] < math.inf
    return has_not & is_possible


def _medians(points: pd.DataFrame, unit: str) -> list[Cell]:
    """Return the latest that the median time can be, with its interval, and the earliest.

    The earliest is there where it is another.
    """
    earliest, latest = points[f"{unit}_earliest"], points[f"{unit}_latest"]
    median = statistics.median_time(earliest, latest)
    if not median.n:
        return [None, None]
    least = statistics.median_time(earliest, earliest).value
    return [median, least if least < median.value else None]


def _point_times(results: Frames, metric: str, target: float) -> pd.DataFrame:
    """Return the points that have begun, with when each can have reached the target.

    ``epochs_earliest``, ``epochs_latest``, ``seconds_earliest`` and ``seconds_latest`` are medians
    over the point's seeds, inf for never; a time in seconds that the journal doesn't tell is nan.
    """
    trials = _with_bounds(time_to(results, metric, target))
    times = trials.groupby(POINT_KEY)[list(_BOUNDS)].agg(_median)
    points = results.points.merge(times.reset_index(), on=POINT_KEY)
    return points.sort_values(POINT_KEY, kind="stable")


def _median(seeds: pd.Series[float]) -> float:
    # pandas' own would leave out the nan
    return float(np.median(seeds))


def _with_bounds(trials: pd.DataFrame) -> pd.DataFrame:
    """Return trials of ``time_to`` with when each can have reached its target, at the earliest
    and at the latest; one that has reached it did so at both."""
    reached, bound = trials["reached"], trials["bound"]
    bounds = {}
    for unit, next_one in (("epochs", 1), ("seconds", 0)):
        times = trials[f"{unit}_to"]
        if_not_reached = (times + next_one).where(bound, math.inf)
        earliest = times.where(reached, if_not_reached)
        bounds[f"{unit}_earliest"] = earliest
        bounds[f"{unit}_latest"] = earliest.where(reached | earliest.isna(), math.inf)
    return trials.assign(**bounds)


def time_to(results: Frames, metric: str, value: float) -> pd.DataFrame:
    """Return the trials of the search, each with whether and when it reached a metric's value.

    ``epochs_to`` and ``seconds_to`` go up to there where it was ``reached`` and up to the trial's
    end where it wasn't. ``bound``: it wasn't, but the trial was pruned or still runs, so that it
    might have been later. UserError where the epochs don't hold the metric.
    """
    if metric not in results.epochs:
        raise UserError(
            f"a time is to a metric that the epochs hold, and they hold no {metric!r:.60}"
        )
    ends = _first_or_last_epochs(results, metric, value)
    trials = search_trials(results.trials).merge(ends.reset_index(), on=TRIAL_KEY, how="left")
    has_no_epoch = trials["epochs_to"].isna()
    trials.loc[has_no_epoch, ["epochs_to", "seconds_to"]] = 0.0
    trials["reached"] = trials["reached"].eq(True)
    has_ended = trials["state"].isin(_ENDED)
    return trials.assign(bound=~trials["reached"] & ~has_ended)


def _first_or_last_epochs(results: Frames, metric: str, value: float) -> pd.DataFrame:
    """Return the first epoch at which each trial reached the value; its last where it never did.

    By trial, ``epochs_to``, ``seconds_to`` and whether it was ``reached``.
    """
    epochs = results.epochs.sort_values([*TRIAL_KEY, "epoch"], kind="stable")
    figures = epochs[metric].astype(float)
    is_hit = figures <= value if is_less_better(results, metric) else figures >= value
    times = epochs.set_index(TRIAL_KEY)[["epoch", "seconds"]].astype(float)
    hits = times[is_hit.to_numpy()]
    first_hits = hits[~hits.index.duplicated(keep="first")]
    ends = times[~times.index.duplicated(keep="last")]
    reached = ends.index.isin(first_hits.index)
    ends.loc[reached] = first_hits
    renamed = ends.rename(columns={"epoch": "epochs_to", "seconds": "seconds_to"})
    return renamed.assign(reached=reached)


def default_target(results: Frames, metric: str) -> tuple[float, str]:
    """Return a target and where it comes from.

    It is the study's own, else what half of the complete points reach; nan where there is none.
    """
    targets = {study.spec.stop.target for study in results.studies} - {None}
    if len(targets) == 1 and metric == objective_of(results).metric:
        return float(targets.pop() or 0.0), OWN_TARGET
    smallest = is_less_better(results, metric)
    counted = counted_trials(results.trials)[TRIAL_KEY]
    epochs = results.epochs.merge(counted, on=TRIAL_KEY).dropna(subset=metric)
    by_seed = epochs.astype({metric: float}).groupby([*POINT_KEY, "trial"])[metric]
    best_of_seeds = by_seed.min() if smallest else by_seed.max()
    if not len(best_of_seeds):
        return math.nan, ""
    best_of_points = [
        _median_best(list(seeds), smallest) for _, seeds in best_of_seeds.groupby(POINT_KEY)
    ]
    return _median_best(best_of_points, smallest), MEDIAN_TARGET


def _median_best(values: Sequence[float], smallest: bool) -> float:
    """Return the median; of an even number the worse of the middle two, which over half reach."""
    from_the_worst = sorted(values, reverse=smallest)
    return float(from_the_worst[(len(from_the_worst) - 1) // 2])
