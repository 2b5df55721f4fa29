"""Whether the effect of one setting depends on another: differences of differences, over points and
within blocks.
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
from analysis.selection.trials import counted_trials
from analysis.statistics import Contrast, level_for

_MOST_FACTORS = 4
_SIGNS = (1, -1, -1, 1)


def interactions_table(results: Frames, first: str = "", second: str = "") -> Table:
    """The interaction of two settings; of every two of the first MOST_FACTORS settings where none
    are named.
    """
    pairs = (
        [(first, second)]
        if first
        else list(itertools.combinations(factors_of(results)[:_MOST_FACTORS], 2))
    )
    crossed = {
        (a, b): found
        for pair in pairs
        for a, b in _combinations_of(results, *pair)
        if (found := _crossing(results, pair, a, b)) is not None
    }
    told = [key for key, sides in crossed.items() if sides.estimate().estimate.known]
    shown = (
        pairs if first else [pair for pair in pairs if any((a[0], b[0]) == pair for a, b in told)]
    )
    rows = [row for pair in shown for row in _rows_of(results, pair, crossed, len(told))]
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
    notes = [
        "interaction: how much more the two together do than the sum of each alone, from their"
        " first levels; 0 where they don't interact. Its interval holds for this comparison by"
        " itself."
    ]
    if len(told) > 1:
        notes.append(
            f"all together: the {len(told)} comparisons of this table hold at once (Bonferroni)."
        )
    none = (
        "No two settings are crossed: that takes several points in each combination of their"
        " levels."
    )
    return make_table("Interactions of two settings", headers, rows, notes if rows else [none])


_Level = tuple[str, Hashable]


def _combinations_of(results: Frames, first: str, second: str) -> list[tuple[_Level, _Level]]:
    """Every level of the one setting with every level of the other."""
    trials = counted_trials(results.trials)
    levels = (levels_of(results, trials, name) for name in (first, second))
    return [((first, a), (second, b)) for a, b in itertools.product(*levels)]


def _crossing(
    results: Frames, pair: tuple[str, str], first: _Level, second: _Level
) -> CellComparison | None:
    """(a1 b1 - a0 b1) - (a1 b0 - a0 b0), a0 and b0 being the first levels; None where that is one
    of these two.
    """
    trials = counted_trials(results.trials)
    base_a, base_b = (levels_of(results, trials, name)[0] for name in pair)
    if first[1] == base_a or second[1] == base_b:
        return None
    low_a, low_b = (pair[0], base_a), (pair[1], base_b)
    cells: list[Combination] = [[low_a, low_b], [first, low_b], [low_a, second], [first, second]]
    return compare_cells(results, trials, trials["value"], cells, _SIGNS)


def _rows_of(
    results: Frames,
    pair: tuple[str, str],
    crossed: dict[tuple[_Level, _Level], CellComparison],
    comparisons: int,
) -> list[list[Cell]]:
    """One row for each pair of levels that any point has."""
    trials = counted_trials(results.trials)
    means = point_means(results, trials, trials["value"])
    rows: list[list[Cell]] = []
    for first, second in _combinations_of(results, *pair):
        at = means.loc[has_combination(means, [first, second]), "figure"]
        if len(at):
            head: list[Cell] = [first[0], level_text(first[1]), second[0], level_text(second[1])]
            rows.append(
                [
                    *head,
                    len(at),
                    metric_mean(at, objective_of(results).metric),
                    *_cells_of(crossed.get((first, second)), comparisons),
                ]
            )
    return rows


def _cells_of(sides: CellComparison | None, comparisons: int) -> list[Cell]:
    """The interaction by itself, what it is compared over, and together with the others."""
    single = sides.estimate() if sides else None
    if sides is None or single is None or math.isnan(single.estimate.value):
        return [None, None, None]
    together: Contrast | None = (
        sides.estimate(level_for(comparisons)) if single.estimate.known else None
    )
    return [
        single.estimate,
        group_text(single),
        together.difference if together and comparisons > 1 else None,
    ]
