"""What a setting does, from points: sums of cells' means with signs, within blocks where points
agree in all else.

A *cell* holds the values of the points that have one combination of levels, each point's seeds
averaged before. Two cells with the signs -1 and +1 make a difference, four with +1, -1, -1, +1 an
interaction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.estimate import LEVEL, Array, Difference, Estimate
from analysis.statistics.means import (
    NO_SPREAD,
    combined_error,
    standard_deviation,
    student_difference,
)

_Block = Sequence[Array]
"""The cells of one group of points that agree in all else, each of shape (points,) and none empty.
"""


@dataclass(frozen=True)
class Contrast:
    """A signed sum of cells' means, and what it is compared over: the units that its interval
    counts.
    """

    difference: Difference
    unit: str = ""
    """``pairs`` (blocks of one point a cell), ``blocks``, ``points``, or ``points in blocks``."""
    n: int = 0

    @property
    def estimate(self) -> Estimate:
        return self.difference.estimate


def estimate_contrast(
    blocks: Sequence[_Block], signs: Sequence[int], level: float = LEVEL
) -> Contrast:
    """The mean over blocks of each block's signed sum of cell means, with its interval; nan where
    there is no block.

    Where the blocks themselves are the larger sample they are the units (Student over one figure a
    block), and where some cell has never two points in a block. Otherwise the points are: each
    cell's variance within blocks, weighted for its place in the sum (Welch; Satterthwaite 1946).
    """
    if not blocks:
        return Contrast(Difference(Estimate(math.nan, n=0, level=level)))
    sums = np.array(
        [
            sum(s * float(cell.mean()) for s, cell in zip(signs, block, strict=True))
            for block in blocks
        ]
    )
    points = sum(len(cell) for block in blocks for cell in block)
    within = points - len(blocks) * len(signs)
    weights = np.array([1 / sum(1 / len(cell) for cell in block) for block in blocks])
    weights = weights / weights.sum()
    error, freedom = _pooled(blocks, weights)
    if len(blocks) > 1 and (len(blocks) - 1 >= within or freedom == 0):
        return _over_blocks(blocks, sums, "blocks" if within else "pairs", level)
    found = student_difference(float(weights @ sums), error, freedom, points, level)
    return Contrast(found, "points" if len(blocks) == 1 else "points in blocks", points)


def _over_blocks(blocks: Sequence[_Block], sums: Array, unit: str, level: float) -> Contrast:
    """The mean of one figure a block, with Student's interval; without one where all are equal but
    for rounding.
    """
    size = max(float(np.abs(cell).max()) for block in blocks for cell in block)
    deviation, count = standard_deviation(sums), len(sums)
    deviation = deviation if deviation > NO_SPREAD * size else math.nan
    found = student_difference(
        float(sums.mean()), deviation / math.sqrt(count), count - 1, count, level
    )
    return Contrast(found, unit, count)


def _pooled(blocks: Sequence[_Block], weights: Array) -> tuple[float, float]:
    """The standard error of the weighted sum over blocks, and its degrees of freedom.

    Each cell has one variance in all blocks. Where some cell has never two points in a block that
    can't be known: to take the other cells' for it makes false differences where one level scatters
    more than another.
    """
    cells = [[block[i] for block in blocks] for i in range(len(blocks[0]))]
    squares = [sum(float(((cell - cell.mean()) ** 2).sum()) for cell in column) for column in cells]
    freedoms = [sum(len(cell) - 1 for cell in column) for column in cells]
    shares = [
        float(sum(w**2 / len(cell) for w, cell in zip(weights, column, strict=True)))
        for column in cells
    ]
    size = max(float(np.abs(cell).max()) for block in blocks for cell in block)
    if min(freedoms) == 0 or math.sqrt(sum(squares)) <= NO_SPREAD * size:
        return math.nan, 0.0
    parts = [s / f * share for s, f, share in zip(squares, freedoms, shares, strict=True)]
    return combined_error(parts, freedoms)
