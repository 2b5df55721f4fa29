"""Whether the effect of one setting depends on another: differences of differences, paired over the rest."""

from __future__ import annotations

import itertools
from collections.abc import Hashable

import pandas as pd

from analysis.levels import (
    agreeing,
    by_first,
    by_group,
    factors_of,
    is_level,
    levels_of,
    marginal,
    over_groups,
    text_of,
)
from analysis.query import Results
from analysis.statistics import Array
from analysis.table import Cell, Header, Table, table
from analysis.views import complete, goal, metric_header, search

MOST_FACTORS = 4

Change = tuple[str, Hashable, Hashable]
"""A setting, its reference level, and the level that it is changed to."""


def interactions(results: Results, first: str = "", second: str = "") -> Table:
    """The interaction of two settings; of every two of the first MOST_FACTORS settings where none are named."""
    trials = complete(search(results.trials))
    pairs = [(first, second)] if first else itertools.combinations(factors_of(results)[:MOST_FACTORS], 2)
    found = [rows_of(results, trials, *pair) for pair in pairs]
    rows = [row for rows in found for row in rows if first or any(other[-1] for other in rows)]
    headers = [
        Header("first"),
        Header("its level"),
        Header("second"),
        Header("level of that"),
        Header("points"),
        metric_header("value", f"mean {goal(results).metric}"),
        metric_header("value", "interaction", signed=True),
    ]
    note = (
        "interaction: how much more the two together do than the sum of each alone, from their first levels, among "
        "points that agree in all else; 0 where they don't interact."
    )
    none = "No two settings are crossed: that takes points that agree in all else."
    return table("Interactions of two settings", headers, rows, [note if rows else none])


def rows_of(results: Results, trials: pd.DataFrame, first: str, second: str) -> list[list[Cell]]:
    """One row for each pair of levels that any point has."""
    ours, theirs = levels_of(results, trials, first), levels_of(results, trials, second)
    rows: list[list[Cell]] = []
    for a, b in itertools.product(ours, theirs):
        at = trials[is_level(trials, first, a) & is_level(trials, second, b)]
        if not len(at):
            continue
        apart = a != ours[0] and b != theirs[0]
        groups = crossed(results, trials, (first, ours[0], a), (second, theirs[0], b)) if apart else []
        head: list[Cell] = [first, text_of(a), second, text_of(b)]
        rows.append([*head, at["point"].nunique(), marginal(at, "value"), over_groups(groups)])
    return rows


def crossed(results: Results, trials: pd.DataFrame, first: Change, second: Change) -> list[Array]:
    """(a1 b1 - a0 b1) - (a1 b0 - a0 b0) for each group of points that agree in all else: one value a seed, (seeds,)."""
    keys = agreeing(results, (first[0], second[0]))
    low_low, low_high, high_low, high_high = (
        by_group(trials, keys, is_level(trials, first[0], a) & is_level(trials, second[0], b), "value")
        for a in first[1:]
        for b in second[1:]
    )
    return by_first(high_high - low_high - high_low + low_low)
