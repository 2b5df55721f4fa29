"""Points compared like with like: the means of their seeds, in blocks that agree in every other
setting.

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

import pandas as pd

from analysis import statistics
from analysis.factors import derived, factors_of, is_level, tuned_apart
from analysis.frames import Frames
from analysis.selection import settings
from analysis.statistics import LEVEL, Array, Contrast

_LEAST_MATCHED = 0.8
"""Blocks are compared within only where they hold at least this share of the points."""
_POINT = ["study", "point"]

Combination = Sequence[tuple[str, Hashable]]
"""Settings and the level of each that the points of one cell have."""


def point_means(results: Frames, trials: pd.DataFrame, figure: pd.Series[float]) -> pd.DataFrame:
    """One row for each point of ``trials``: the mean of ``figure`` over them, beside the point's
    settings.
    """
    known = trials.assign(figure=figure.astype(float)).dropna(subset="figure")
    means = known.groupby(_POINT, sort=False)["figure"].mean().reset_index()
    return means.merge(results.points[[*_POINT, *settings(results)]], on=_POINT, how="left")


def compared(
    results: Frames,
    trials: pd.DataFrame,
    figure: pd.Series[float],
    cells: Sequence[Combination],
    signs: Sequence[int],
) -> Compared:
    """The signed sum of the cells' means of a figure of the trials, ready to be estimated at any
    level.
    """
    factors = [name for name, _ in cells[0]]
    means = point_means(results, trials, figure)
    members = [of_combination(means, combination) for combination in cells]
    others = [name for name in settings(results) if name not in factors]
    own = [name for name in others if any(derived(results, name, factor) for factor in factors)]
    shared = [name for name in others if name not in own]
    few = [name for name in factors_of(results) if name in shared]
    apart = [name for name in shared if tuned_apart(results, name)]
    exact, coarse, loose = (_blocks_of(means, keys, members) for keys in (shared, few, apart))
    points = sum(int(chosen.sum()) for chosen in members)
    tight = next(
        (blocks for blocks in (exact, coarse) if _size(blocks) >= _LEAST_MATCHED * points), []
    )
    seeds: list[Array] = []
    if points == len(cells) == _size(exact) and not own:
        seeds = _by_seed(
            trials, figure, [of_combination(trials, combination) for combination in cells]
        )
    return Compared(tight, loose, seeds, signs, exact=tight is exact and not own)


def _size(blocks: list[list[Array]]) -> int:
    return sum(len(cell) for block in blocks for cell in block)


class Compared:
    """Points in the cells of blocks; ``estimate`` says what their signed sum is, at the level that
    is asked for.

    ``blocks`` agree in what can agree, ``loose`` ones only in what was tuned apart. ``seeds`` holds
    the one point's seeds in each cell, where there is one.
    """

    def __init__(
        self,
        blocks: list[list[Array]],
        loose: list[list[Array]],
        seeds: list[Array],
        signs: Sequence[int],
        *,
        exact: bool,
    ) -> None:
        self._blocks = blocks
        self._loose = loose
        self._seeds = seeds
        self._signs = signs
        self._exact = exact

    def estimate(self, level: float = LEVEL) -> Contrast:
        """Within blocks where they tell; over the seeds of the one point in each cell; else over
        points as drawn.
        """
        within = statistics.contrast(self._blocks, self._signs, level)
        if within.estimate.known:
            differ = (
                within.unit == "pairs" and not self._exact
            )  # in settings of the factor's own branches
            return Contrast(within.difference, "blocks", within.n) if differ else within
        if self._seeds:
            sums = sum(sign * values for sign, values in zip(self._signs, self._seeds, strict=True))
            difference = statistics.paired_difference(sums, 0 * self._seeds[0], level)
            return Contrast(difference, "seeds", len(self._seeds[0]))
        return statistics.contrast(self._loose, self._signs, level)


def of_combination(rows: pd.DataFrame, combination: Combination) -> pd.Series[bool]:
    chosen = pd.Series(True, index=rows.index)
    for name, level in combination:
        chosen &= is_level(rows, name, level)
    return chosen


def _blocks_of(
    means: pd.DataFrame, names: Sequence[str], members: Sequence[pd.Series[bool]]
) -> list[list[Array]]:
    """The cells of each group of points that agree in these settings and has a point in every
    cell.
    """
    keys = [means[name].astype("object") for name in ("study", *names)]
    group = means.groupby(keys, dropna=False, sort=False).ngroup()
    cells = [dict(iter(means.loc[chosen, "figure"].groupby(group[chosen]))) for chosen in members]
    common = [number for number in cells[0] if all(number in cell for cell in cells)]
    return [[statistics.clean(cell[number]) for cell in cells] for number in common]


def _by_seed(
    trials: pd.DataFrame, figure: pd.Series[float], members: Sequence[pd.Series[bool]]
) -> list[Array]:
    """The figures of each cell's one point, seed by seed as far as all cells have them."""
    columns = [figure[chosen].groupby(trials.loc[chosen, "seed"]).mean() for chosen in members]
    common = pd.concat(columns, axis=1, join="inner").dropna()
    return (
        [common.iloc[:, i].to_numpy(float) for i in range(len(columns))] if len(common) > 1 else []
    )


def unit_text(found: Contrast) -> str:
    """``12 pairs``, ``24 points in blocks``: what an interval counts."""
    return f"{found.n} {found.unit}" if found.n else ""


def group_text(found: Contrast) -> str:
    """The same for an interaction, where four points make a group."""
    return unit_text(found).replace("pairs", "groups of four")
