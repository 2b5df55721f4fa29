"""Points compared like with like: the means of their seeds, in blocks that agree in all else.

The unit is the point: its seeds are averaged before anything is compared, since seeds of one point
say nothing of other points. Where points agree in all other settings, or in all that have a few
levels, they form a block, and levels are compared within blocks; two points that differ in the
factor alone are a pair. Settings within the factor's own branches (the learning rate of an
optimizer) can't agree: points that differ in those are no pair. The levels of a method study's
scientific factor were tuned apart, so points of different ones are never compared in another
setting.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.selection.factors import factors_of, has_level, is_of_branch, is_tuned_apart
from analysis.selection.settings import varied_settings
from analysis.selection.trials import POINT_KEY
from analysis.statistics import LEVEL, Array, Contrast

_LEAST_MATCHED = 0.8
"""Blocks are compared within only where they hold at least this share of the points."""

Combination = Sequence[tuple[str, Hashable]]
"""Factors, each with its level: what the points of one cell have in common."""

_Cells = list[Array]
"""The figures of each cell's points within one block, one array of shape (points,) a cell."""


def point_means(results: Frames, trials: pd.DataFrame, figure: pd.Series[float]) -> pd.DataFrame:
    """Return the mean ``figure`` of each point of ``trials``, beside the point's settings.

    ``figure`` has a value for each trial; points without any are left out.
    """
    known = trials.assign(figure=figure.astype(float)).dropna(subset="figure")
    means = known.groupby(POINT_KEY, sort=False)["figure"].mean().reset_index()
    settings = results.points[[*POINT_KEY, *varied_settings(results)]]
    return means.merge(settings, on=POINT_KEY, how="left")


def compare_cells(
    results: Frames,
    trials: pd.DataFrame,
    figure: pd.Series[float],
    cells: Sequence[Combination],
    signs: Sequence[int],
) -> CellComparison:
    """Compare the cells' means of a figure of the trials: their sum with signs, at any level.

    ``cells`` are combinations of levels of the same factors, each with its sign (-1 or +1).
    """
    factors = [name for name, _ in cells[0]]
    means = point_means(results, trials, figure)
    members = [has_combination(means, combination) for combination in cells]
    others = _OtherSettings.than(results, factors)
    exact = _blocks_of(means, others.shared, members)
    coarse = _blocks_of(means, others.with_few_levels, members)
    loose = _blocks_of(means, others.tuned_apart, members)
    points = sum(int(is_member.sum()) for is_member in members)
    tight = _first_that_holds_most([exact, coarse], points)
    seeds: list[Array] = []
    is_one_point_a_cell = points == len(cells) == _size(exact)
    if is_one_point_a_cell and not others.of_branches:
        in_cells = [has_combination(trials, combination) for combination in cells]
        seeds = _by_seed(trials, figure, in_cells)
    is_exact = tight is exact and not others.of_branches
    return CellComparison(tight, loose, seeds, signs, is_exact=is_exact)


@dataclass(frozen=True)
class _OtherSettings:
    """The settings beside the factors that are compared, by what can be asked of them."""

    of_branches: list[str]
    """Those within branches of the factors, in which points of different levels can't agree."""

    shared: list[str]
    """All others, in which they can."""

    with_few_levels: list[str]
    """Those of the shared ones that have a few levels."""

    tuned_apart: list[str]
    """Those of the shared ones whose levels were tuned apart, in which points must agree."""

    @classmethod
    def than(cls, results: Frames, factors: Sequence[str]) -> _OtherSettings:
        of_branches: list[str] = []
        shared: list[str] = []
        for name in varied_settings(results):
            if name in factors:
                continue
            is_own = any(is_of_branch(results, name, factor) for factor in factors)
            (of_branches if is_own else shared).append(name)
        few = [name for name in factors_of(results) if name in shared]
        apart = [name for name in shared if is_tuned_apart(results, name)]
        return cls(of_branches, shared, few, apart)


def _first_that_holds_most(candidates: Sequence[list[_Cells]], points: int) -> list[_Cells]:
    """Return the first blocks that hold LEAST_MATCHED of all points; none where none do."""
    for blocks in candidates:
        if _size(blocks) >= _LEAST_MATCHED * points:
            return blocks
    return []


def _size(blocks: list[_Cells]) -> int:
    """Return how many points blocks hold."""
    return sum(len(cell) for block in blocks for cell in block)


class CellComparison:
    """Points in the cells of blocks, whose signed sum is estimated at the level that is asked for.

    ``tight`` blocks agree in what can agree, ``loose`` ones only in what was tuned apart. ``seeds``
    holds the one point's seeds in each cell, where there is one. ``is_exact``: points of a tight
    block differ in the factors alone.
    """

    def __init__(
        self,
        tight: list[_Cells],
        loose: list[_Cells],
        seeds: list[Array],
        signs: Sequence[int],
        *,
        is_exact: bool,
    ) -> None:
        self._tight = tight
        self._loose = loose
        self._seeds = seeds
        self._signs = signs
        self._is_exact = is_exact

    def estimate(self, level: float = LEVEL) -> Contrast:
        """Estimate within blocks where they can tell, else over seeds, else over points as drawn.

        Seeds are compared only where each cell has one point.
        """
        within = statistics.estimate_contrast(self._tight, self._signs, level)
        if within.estimate.known:
            if within.unit == "pairs" and not self._is_exact:
                # two points that differ in settings of the factor's own branches are no pair
                return Contrast(within.difference, "blocks", within.n)
            return within
        if self._seeds:
            return self._over_seeds(level)
        return statistics.estimate_contrast(self._loose, self._signs, level)

    def _over_seeds(self, level: float) -> Contrast:
        """Estimate the signed sum of the cells' figures seed by seed, paired.

        What is added is held against what is taken away: next to their size, not to that of their
        difference, it is seen whether seeds differ by more than rounding.
        """
        added, taken = 0 * self._seeds[0], 0 * self._seeds[0]
        for sign, values in zip(self._signs, self._seeds, strict=True):
            added = added + max(sign, 0) * values
            taken = taken + max(-sign, 0) * values
        difference = statistics.paired_difference(added, taken, level)
        return Contrast(difference, "seeds", len(self._seeds[0]))


def has_combination(rows: pd.DataFrame, combination: Combination) -> pd.Series[bool]:
    """Return which rows have all these levels."""
    chosen = pd.Series(True, index=rows.index)
    for name, level in combination:
        chosen &= has_level(rows, name, level)
    return chosen


def _blocks_of(
    means: pd.DataFrame, names: Sequence[str], members: Sequence[pd.Series[bool]]
) -> list[_Cells]:
    """Return the blocks of points that agree in these settings and have a point in every cell."""
    settings = [means[name].astype("object") for name in ("study", *names)]
    block_numbers = means.groupby(settings, dropna=False, sort=False).ngroup()
    cells = []
    for is_member in members:
        figures = means.loc[is_member, "figure"]
        cells.append(dict(iter(figures.groupby(block_numbers[is_member]))))
    in_all = [number for number in cells[0] if all(number in cell for cell in cells)]
    return [[statistics.finite_values(cell[number]) for cell in cells] for number in in_all]


def _by_seed(
    trials: pd.DataFrame, figure: pd.Series[float], members: Sequence[pd.Series[bool]]
) -> list[Array]:
    """Return the figures of each cell's one point, seed by seed, for the seeds that all have.

    None where fewer than two seeds are in all cells.
    """
    by_cell = []
    for is_member in members:
        seeds = trials.loc[is_member, "seed"]
        by_cell.append(figure[is_member].groupby(seeds).mean())
    common = pd.concat(by_cell, axis=1, join="inner").dropna()
    if len(common) < 2:
        return []
    return [common.iloc[:, i].to_numpy(float) for i in range(len(by_cell))]


def unit_text(found: Contrast) -> str:
    """Return what an interval counts: ``12 pairs``, ``24 points in blocks``."""
    return f"{found.n} {found.unit}" if found.n else ""


def group_text(found: Contrast) -> str:
    """Return what an interaction's interval counts, where four points make a group."""
    return unit_text(found).replace("pairs", "groups of four")
