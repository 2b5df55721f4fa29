"""The winners of a search on common fresh seeds: which level, or which chosen point, is the best?

Differences are paired by seed, with Student's interval over the fresh seeds that both points have;
several comparisons hold together (Bonferroni).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Hashable

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.factors import (
    has_level,
    is_tuned_apart,
    level_text,
    levels_of,
    scientific_factor,
)
from analysis.selection.figures import metric_header
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import in_search_order
from analysis.selection.trials import confirmation_trials, fresh_trials, trials_with
from analysis.statistics import LEVEL, Difference, Estimate, level_for

_MOST_WINNERS = 6
_NONE = "There are no two winners with fresh seeds in common: confirm: runs them."
FURTHER_SEEDS_NOTE = (
    "further seeds: what it would take to tell with 80 % chance, were the difference as large as it"
    " was found; in brackets for what it may be. ∞: more than 10,000."
)


def winners_table(results: Frames) -> Table:
    """Return each two winners against each other on the fresh seeds that both have."""
    names = winners_of(results)
    pairs = list(itertools.combinations(in_fresh_order(results, names), 2))
    objective = objective_of(results)
    rows: list[list[Cell]] = []
    for ours, theirs in pairs:
        difference = fresh_difference(results, ours, theirs, level_for(len(pairs)))
        rows.append(
            [
                names[ours] or None,
                ours,
                names[theirs] or None,
                theirs,
                difference,
                difference.estimate.n,
                verdict(difference.estimate, objective.is_minimized),
                further_seeds(results, ours, theirs, len(pairs)),
            ]
        )
    factor = factor_compared(results)
    headers = [
        Header(factor or "level"),
        Header("point"),
        Header(f"other {factor}" if factor else "other level"),
        Header("other point"),
        metric_header("value", f"difference in {objective.metric}", signed=True),
        Header("common seeds"),
        Header("verdict"),
        Header("further seeds"),
    ]
    notes = _notes_on(rows) if rows else [_NONE]
    return make_table("Winners on common fresh seeds", headers, rows, notes)


def _notes_on(rows: list[list[Cell]]) -> list[str]:
    notes = [
        "Paired by seed: both were trained with the same fresh seeds, which had no part in"
        " choosing them."
    ]
    if len(rows) > 1:
        notes.append(together_note(len(rows)))
    notes.append("verdict: of the first of the two, against the other.")
    if any(row[-1] is not None for row in rows):
        notes.append(FURTHER_SEEDS_NOTE)
    return notes


def together_note(comparisons: int) -> str:
    """Return how several comparisons side by side hold together."""
    return (
        f"Intervals are at {level_for(comparisons):.1%} and p values {comparisons} times a single"
        f" one's, so that all {comparisons} hold together."
    )


def in_fresh_order(results: Frames, points: Collection[int]) -> list[int]:
    """Return points by their means over fresh seeds, the best first, those without any last.

    The means are over the seeds that all of them have, where there are such: while some points wait
    for theirs, a mean over more seeds can't be held against one over fewer.
    """
    trials = fresh_trials(trials_with(results))
    trials = trials[trials["point"].isin(list(points))].dropna(subset=["value"])
    holders = trials.groupby("seed")["point"].nunique()
    shared = holders.index[holders == trials["point"].nunique()]
    if len(shared):
        trials = trials[trials["seed"].isin(shared)]
    values = trials.groupby("point")["value"].mean()
    losses = -objective_of(results).sign * values
    return sorted(points, key=lambda point: (losses.get(point, math.inf), point))


def factor_compared(results: Frames) -> str:
    """Return the scientific factor whose levels were tuned apart; empty where there is none."""
    factor = scientific_factor(results)
    return factor if factor and is_tuned_apart(results, factor) else ""


def winners_of(results: Frames) -> dict[int, str]:
    """Return the points to compare with each other, each with its level in words.

    In a method study they are each level's best by the search, elsewhere the points that were
    chosen by it, in its order; the baseline is not among them unless it was.
    """
    factor = factor_compared(results)
    if not factor:
        return dict.fromkeys(_chosen_points(results)[:_MOST_WINNERS], "")
    winners = {}
    for level in levels_of(results, results.points, factor):
        point = winner_of_level(results, factor, level)
        if point is not None:
            winners[point] = level_text(level)
    return winners


def _chosen_points(results: Frames) -> list[int]:
    """Return the points with fresh seeds that the search chose, best by the search first."""
    spec = results.study.spec
    if spec.confirm is None:
        return []
    narrow = results.points[["study", "point", "value", "standing", "chosen", "level", "entry"]]
    points = in_search_order(narrow[narrow["value"].notna()], results)
    points = points[points["chosen"].astype(bool)]
    if spec.confirm.against is not None:
        # the baseline gets fresh seeds anyway: it counts where the search would have chosen it too
        is_among_top = points.groupby("level", dropna=False).cumcount() < spec.confirm.top
        is_other = (points["entry"] != spec.confirm.against).fillna(True)
        points = points[is_other | is_among_top]
    begun = points_with_fresh_seeds(results)
    return [int(point) for point in points["point"] if point in begun]


def points_with_fresh_seeds(results: Frames) -> set[int]:
    """Return the points that have a fresh seed with a value."""
    return set(fresh_trials(trials_with(results))["point"])


def winner_of_level(results: Frames, factor: str, level: Hashable) -> int | None:
    """Return the best point of a level by the search, of those that have fresh seeds; or None."""
    if len(results.studies) != 1:
        return None
    points = results.points.set_index("point")
    is_of_level = has_level(points, factor, level)
    return next((point for point in _chosen_points(results) if is_of_level[point]), None)


def _common_seeds(results: Frames, ours: int, theirs: int) -> pd.DataFrame:
    """Return two points' values on each fresh seed that both have.

    The columns are ``seed``, ``value_ours`` and ``value_theirs``.
    """
    trials = fresh_trials(trials_with(results))
    left = trials.loc[trials["point"] == ours, ["seed", "value"]]
    right = trials.loc[trials["point"] == theirs, ["seed", "value"]]
    return left.merge(right, on="seed", suffixes=("_ours", "_theirs"))


def fresh_difference(results: Frames, ours: int, theirs: int, level: float = LEVEL) -> Difference:
    """Return our point's value less theirs, paired by fresh seed, with an interval over seeds.

    Without one where a fresh seed of either has failed: those that are left are no fair sample.
    """
    pairs = _common_seeds(results, ours, theirs)
    difference = statistics.paired_difference(pairs["value_ours"], pairs["value_theirs"], level)
    if lost_seed_count(results, ours) or lost_seed_count(results, theirs):
        estimate = difference.estimate
        return Difference(Estimate(estimate.value, n=estimate.n, level=level))
    return difference


def lost_seed_count(results: Frames, point: int) -> int:
    """Return how many of a point's fresh seeds ended without a value."""
    trials = confirmation_trials(trials_with(results))
    states = trials.loc[trials["point"] == point, "state"]
    return int(states.isin(["FAIL", "PRUNED"]).sum())


def verdict(difference: Estimate, smallest: bool) -> str | None:
    """Return better, worse or cannot tell: whether the interval of a difference leaves zero out.

    None where there is no interval. ``smallest``: less is better.
    """
    if not difference.known:
        return None
    if not difference.excludes_zero:
        return "cannot tell"
    return "better" if (difference.value < 0) == smallest else "worse"


def further_seeds(results: Frames, ours: int, theirs: int, comparisons: int) -> Estimate | None:
    """Return how many more seeds it would take to tell two points apart, with their range.

    ``comparisons``: how many of them hold together. None where it can be told already, or nothing
    can.
    """
    level = level_for(comparisons)
    difference = fresh_difference(results, ours, theirs, level).estimate
    if difference.excludes_zero or not difference.known:
        return None
    pairs = _common_seeds(results, ours, theirs)
    needed = statistics.seeds_needed(pairs["value_ours"] - pairs["value_theirs"], level)
    if needed is None:
        return None
    counts = (needed.value, needed.low, needed.high)
    value, low, high = (max(1.0, count - len(pairs)) for count in counts)
    return Estimate(value, low, high, needed.n, needed.level)
