"""Whether the effect of one setting depends on another: differences of differences.

They are taken over points, within blocks of points that agree in all else.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable

from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.blocks import (
    CellComparison,
    Combination,
    compare_cells,
    group_text,
    has_combination,
    point_means,
)
from analysis.selection.factors import factors_of, level_text, levels_of
from analysis.selection.figures import metric_header, metric_mean
from analysis.selection.objectives import objective_of
from analysis.selection.trials import counted_trials, trials_with
from analysis.statistics import level_for

_MOST_FACTORS = 4
_SIGNS = (1, -1, -1, 1)
_NONE = (
    "No two settings are crossed: that takes several points in each combination of their levels."
)

_FactorPair = tuple[str, str]
_FactorLevel = tuple[str, Hashable]
"""A factor and one of its levels."""
_Crossings = dict[tuple[_FactorLevel, _FactorLevel], CellComparison]
"""The interaction of each two levels that has one."""


def interactions_table(results: Frames, first: str = "", second: str = "") -> Table:
    """Return the interaction of two settings.

    Where none are named, of every two of the first MOST_FACTORS settings that have a known one.
    """
    factors = factors_of(results)[:_MOST_FACTORS]
    pairs = [(first, second)] if first else list(itertools.combinations(factors, 2))
    crossings: _Crossings = {}
    for pair in pairs:
        crossings |= _crossings_of(results, pair)
    known = [
        (one[0], other[0])
        for (one, other), comparison in crossings.items()
        if comparison.estimate().estimate.known
    ]
    shown = pairs if first else [pair for pair in pairs if pair in known]
    rows: list[list[Cell]] = []
    for pair in shown:
        rows += _rows_of(results, pair, crossings, len(known))
    metric = objective_of(results).metric
    headers = [
        Header("first"),
        Header("its level"),
        Header("second"),
        Header("level of that"),
        Header("points"),
        metric_header("value", f"mean {metric}"),
        metric_header("value", "interaction", signed=True),
        Header("compared over"),
        metric_header("value", "all together", signed=True),
    ]
    notes = _notes_on(len(known)) if rows else [_NONE]
    return make_table("Interactions of two settings", headers, rows, notes)


def _notes_on(comparisons: int) -> list[str]:
    notes = [
        "interaction: how much more the two together do than the sum of each alone, from their"
        " first levels; 0 where they don't interact. Its interval holds for this comparison by"
        " itself."
    ]
    if comparisons > 1:
        notes.append(
            f"all together: the {comparisons} comparisons of this table hold at once (Bonferroni)."
        )
    return notes


def _levels_crossed(results: Frames, pair: _FactorPair) -> list[tuple[_FactorLevel, _FactorLevel]]:
    """Return every level of the one setting with every level of the other."""
    first, second = pair
    trials = counted_trials(trials_with(results, pair))
    first_levels = levels_of(results, trials, first)
    second_levels = levels_of(results, trials, second)
    return [((first, a), (second, b)) for a in first_levels for b in second_levels]


def _crossings_of(results: Frames, pair: _FactorPair) -> _Crossings:
    """Return the interaction of each two levels of two factors, from their first levels.

    It is (a1 b1 - a0 b1) - (a1 b0 - a0 b0), a0 and b0 being the first levels.
    """
    trials = counted_trials(trials_with(results, pair))
    crossed = _levels_crossed(results, pair)
    crossings: _Crossings = {}
    for a1, b1 in crossed:
        a0, b0 = crossed[0]
        if a0 == a1 or b0 == b1:
            continue
        cells: list[Combination] = [[a0, b0], [a1, b0], [a0, b1], [a1, b1]]
        crossings[a1, b1] = compare_cells(results, trials, trials["value"], cells, _SIGNS)
    return crossings


def _rows_of(
    results: Frames, pair: _FactorPair, crossings: _Crossings, comparisons: int
) -> list[list[Cell]]:
    """Return one row for each two levels that any point has."""
    trials = counted_trials(trials_with(results, pair))
    means = point_means(results, trials, trials["value"])
    metric = objective_of(results).metric
    rows: list[list[Cell]] = []
    for first, second in _levels_crossed(results, pair):
        figures = means.loc[has_combination(means, [first, second]), "figure"]
        if not len(figures):
            continue
        rows.append(
            [
                first[0],
                level_text(first[1]),
                second[0],
                level_text(second[1]),
                len(figures),
                metric_mean(figures, metric),
                *_interaction_cells(crossings.get((first, second)), comparisons),
            ]
        )
    return rows


def _interaction_cells(comparison: CellComparison | None, comparisons: int) -> list[Cell]:
    """Return the interaction by itself, what it is compared over, and together with the others."""
    if comparison is None:
        return [None, None, None]
    single = comparison.estimate()
    if math.isnan(single.estimate.value):
        return [None, None, None]
    together = None
    if single.estimate.known and comparisons > 1:
        together = comparison.estimate(level_for(comparisons)).difference
    return [single.estimate, group_text(single), together]
