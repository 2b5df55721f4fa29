"""The winners of a search on common fresh seeds: which level, or which of the chosen points, is the
best?
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable, Iterable

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
from analysis.selection.trials import fresh_trials
from analysis.statistics import LEVEL, Difference, Estimate, level_for

_MOST_WINNERS = 6


def winners_table(results: Frames) -> Table:
    """Each two winners against each other on the fresh seeds that both have."""
    names = winners_of(results)
    pairs = list(itertools.combinations(in_fresh_order(results, names), 2))
    metric, smallest = objective_of(results).metric, objective_of(results).is_minimized
    rows: list[list[Cell]] = []
    for ours, theirs in pairs:
        found = fresh_difference(results, ours, theirs, level_for(len(pairs)))
        rows.append(
            [
                names[ours] or None,
                ours,
                names[theirs] or None,
                theirs,
                found,
                found.estimate.n,
                verdict(found.estimate, smallest),
                further_seeds(results, ours, theirs, len(pairs)),
            ]
        )
    factor = factor_compared(results)
    headers = [
        Header(factor or "level"),
        Header("point"),
        Header(f"other {factor}" if factor else "other level"),
        Header("other point"),
        metric_header("value", f"difference in {metric}", signed=True),
        Header("common seeds"),
        Header("verdict"),
        Header("further seeds"),
    ]
    open_ones = any(row[-1] is not None for row in rows)
    return make_table(
        "Winners on common fresh seeds",
        headers,
        rows,
        _notes_on(len(pairs), open_ones) if rows else [_NONE],
    )


_NONE = "There are no two winners with fresh seeds in common: confirm: runs them."


def in_fresh_order(results: Frames, points: Iterable[int]) -> list[int]:
    """Points in the order of their means over fresh seeds, the best first, those without any
    last.
    """
    losses = (
        -objective_of(results).sign
        * fresh_trials(results.trials).groupby("point")["value"].mean().dropna()
    )
    return sorted(points, key=lambda point: (losses.get(point, math.inf), point))


def _notes_on(comparisons: int, open_ones: bool) -> list[str]:
    notes = [
        (
            "Paired by seed: both were trained with the same fresh seeds, which had no part in"
            " choosing them."
        ),
        "verdict: of the first of the two, against the other.",
    ]
    if open_ones:
        notes.append(FURTHER_SEEDS_NOTE)
    if comparisons > 1:
        notes.insert(1, together_note(comparisons))
    return notes


FURTHER_SEEDS_NOTE = (
    "further seeds: what it would take to tell with 80 % chance, were the difference as large as it"
    " was found; in brackets for what it may be. ∞: more than 10,000."
)


def together_note(comparisons: int) -> str:
    """How several comparisons side by side hold together."""
    return (
        f"Intervals are at {level_for(comparisons):.1%} and p values {comparisons} times a single"
        f" one's, so that all {comparisons} hold together."
    )


def factor_compared(results: Frames) -> str:
    """The scientific factor whose levels were tuned apart; empty where there is none."""
    factor = scientific_factor(results)
    return factor if factor and is_tuned_apart(results, factor) else ""


def winners_of(results: Frames) -> dict[int, str]:
    """The points to compare with each other, in the search's order, each with its level in words.

    In a method study each level's best by the search, elsewhere the points that were chosen by it;
    the baseline is not among them unless it was.
    """
    factor = factor_compared(results)
    if factor:
        found = (
            (winner_of_level(results, factor, level), level_text(level))
            for level in _levels(results, factor)
        )
        return {point: level for point, level in found if point is not None}
    return dict.fromkeys(_chosen(results)[:_MOST_WINNERS], "")


def _levels(results: Frames, factor: str) -> list[Hashable]:
    return levels_of(results, results.points, factor)


def _chosen(results: Frames) -> list[int]:
    """The points with fresh seeds that the search chose, best by the search first."""
    spec = results.study.spec
    if spec.confirm is None:
        return []
    points = in_search_order(results.points[results.points["value"].notna()], results)
    points = points[points["chosen"].astype(bool)]
    if spec.confirm.against is not None:
        was_chosen = points.groupby("level", dropna=False).cumcount() < spec.confirm.top
        points = points[(points["entry"] != spec.confirm.against).fillna(True) | was_chosen]
    return [int(point) for point in points["point"] if point in points_with_fresh_seeds(results)]


def points_with_fresh_seeds(results: Frames) -> set[int]:
    """The points that have a fresh seed with a value."""
    return set(fresh_trials(results.trials)["point"])


def winner_of_level(results: Frames, factor: str, level: Hashable) -> int | None:
    """The best point of a level by the search, of those that have fresh seeds; None where no point
    has.
    """
    if len(results.studies) != 1:
        return None
    points = results.points.set_index("point")
    own = [
        point
        for point in _chosen(results)
        if bool(has_level(points.loc[[point]], factor, level).iloc[0])
    ]
    return own[0] if own else None


def _paired(results: Frames, ours: int, theirs: int) -> pd.DataFrame:
    """The two points' values on each fresh seed that both have, ``value_ours`` and
    ``value_theirs``.
    """
    trials = fresh_trials(results.trials[["point", "kind", "state", "outgrown", "seed", "value"]])
    left, right = (
        trials.loc[trials["point"] == point, ["seed", "value"]] for point in (ours, theirs)
    )
    return left.merge(right, on="seed", suffixes=("_ours", "_theirs"))


def fresh_difference(results: Frames, ours: int, theirs: int, level: float = LEVEL) -> Difference:
    """Ours less theirs, paired by fresh seed; without an interval where a fresh seed of either has
    failed.
    """
    pairs = _paired(results, ours, theirs)
    found = statistics.paired_difference(pairs["value_ours"], pairs["value_theirs"], level)
    if lost_seed_count(results, ours) or lost_seed_count(results, theirs):
        return Difference(Estimate(found.estimate.value, n=found.estimate.n, level=level))
    return found


def lost_seed_count(results: Frames, point: int) -> int:
    """How many of a point's fresh seeds ended without a value: what is left of them is no fair
    sample.
    """
    trials = results.trials
    states = trials.loc[(trials["point"] == point) & (trials["kind"] == "confirm"), "state"]
    return int(states.isin(["FAIL", "PRUNED"]).sum())


def verdict(difference: Estimate, smallest: bool) -> str | None:
    """better, worse or cannot tell: whether the interval of a difference leaves zero out; None
    where there is none.
    """
    if not difference.known:
        return None
    if not difference.excludes_zero:
        return "cannot tell"
    return "better" if (difference.value < 0) == smallest else "worse"


def further_seeds(results: Frames, ours: int, theirs: int, comparisons: int) -> Estimate | None:
    """How many seeds more it would take to tell two points apart; None where it can be told, or
    nothing can.
    """
    found = fresh_difference(results, ours, theirs, level_for(comparisons)).estimate
    if found.excludes_zero or not found.known:
        return None
    pairs = _paired(results, ours, theirs)
    needed = statistics.seeds_needed(
        pairs["value_ours"] - pairs["value_theirs"], level_for(comparisons)
    )
    if needed is None:
        return None
    value, low, high = (
        max(1.0, count - len(pairs)) for count in (needed.value, needed.low, needed.high)
    )
    return Estimate(value, low, high, needed.n, needed.level)
