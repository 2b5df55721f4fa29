"""What a setting does, from points: sums of cells' means with signs, within blocks of points.

A *cell* holds the values of the points that have one combination of levels, each point's seeds
averaged before. A *block* holds the cells of points that agree in all else. Two cells with the
signs -1 and +1 make a difference, four with +1, -1, -1, +1 an interaction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.estimates import LEVEL, Difference, Estimate, estimate_of_nothing
from analysis.statistics.means import (
    NO_SPREAD,
    combined_error,
    standard_deviation,
    student_difference,
)
from analysis.statistics.samples import Array

_Block = Sequence[Array]
"""The cells of one group of points that agree in all else, each of shape (points,) and none empty.
"""


@dataclass(frozen=True)
class Contrast:
    """A signed sum of cells' means, and what it is compared over: the units its interval counts."""

    difference: Difference
    unit: str = ""
    """``pairs`` (blocks of one point a cell), ``blocks``, ``points``, or ``points in blocks``."""
    n: int = 0

    @property
    def estimate(self) -> Estimate:
        """The sum with its interval, without the p-value."""
        return self.difference.estimate


def estimate_contrast(
    blocks: Sequence[_Block], signs: Sequence[int], level: float = LEVEL
) -> Contrast:
    """Return the mean over blocks of each block's signed sum of cell means, with its interval.

    Nan where there is no block. Where the blocks themselves are the larger sample they are the
    units (Student over one figure a block), and where some cell has never two points in a block.
    Otherwise the points are: each cell's variance within blocks, weighted for its place in the sum
    (Welch; Satterthwaite 1946).
    """
    if not blocks:
        return Contrast(Difference(estimate_of_nothing(level)))
    sums = np.array([_signed_sum(block, signs) for block in blocks])
    points = sum(len(cell) for block in blocks for cell in block)
    within = points - len(blocks) * len(signs)  # degrees of freedom within the cells of blocks
    weights = _weights(blocks)
    error, freedom = _pooled_error(blocks, weights)
    between = len(blocks) - 1
    if between > 0 and (between >= within or freedom == 0):
        return _over_blocks(blocks, sums, "blocks" if within else "pairs", level)
    difference = student_difference(float(weights @ sums), error, freedom, points, level)
    unit = "points" if len(blocks) == 1 else "points in blocks"
    return Contrast(difference, unit, points)


def _signed_sum(block: _Block, signs: Sequence[int]) -> float:
    """Return the sum of a block's cell means, each with its sign."""
    return sum(sign * float(cell.mean()) for sign, cell in zip(signs, block, strict=True))


def _weights(blocks: Sequence[_Block]) -> Array:
    """Return the weight of each block in the mean, (blocks,): the inverse of its sum's variance."""
    weights = np.array([1 / sum(1 / len(cell) for cell in block) for block in blocks])
    normalized: Array = weights / weights.sum()
    return normalized


def _greatest(blocks: Sequence[_Block]) -> float:
    """Return the size of the greatest value, beside which rounding errors are judged."""
    return max(float(np.abs(cell).max()) for block in blocks for cell in block)


def _over_blocks(blocks: Sequence[_Block], sums: Array, unit: str, level: float) -> Contrast:
    """Return the mean of one sum a block (blocks,), with Student's interval over blocks.

    Without an interval where all are equal but for rounding.
    """
    count = len(sums)
    deviation = standard_deviation(sums)
    error = math.nan
    if deviation > NO_SPREAD * _greatest(blocks):
        error = deviation / math.sqrt(count)
    difference = student_difference(float(sums.mean()), error, count - 1, count, level)
    return Contrast(difference, unit, count)


def _pooled_error(blocks: Sequence[_Block], weights: Array) -> tuple[float, float]:
    """Return the standard error of the weighted sum over blocks, and its degrees of freedom.

    ``weights`` has shape (blocks,). Each cell has one variance in all blocks. Where some cell has
    never two points in a block that can't be known, and the error is nan: to take the other cells'
    for it makes false differences where one level scatters more than another.
    """
    cells = list(zip(*blocks, strict=True))  # each cell's values, block by block
    squares = [_squares_within(cell) for cell in cells]
    freedoms = [sum(len(values) - 1 for values in cell) for cell in cells]
    no_spread = NO_SPREAD * _greatest(blocks)
    if min(freedoms) == 0 or math.sqrt(sum(squares)) <= no_spread:
        return math.nan, 0.0
    variances = []
    for cell, square, freedom in zip(cells, squares, freedoms, strict=True):
        of_values = square / freedom
        variances.append(of_values * _share_of_values(weights, cell))
    return combined_error(variances, freedoms)


def _share_of_values(weights: Array, cell: Sequence[Array]) -> float:
    """Return the variance of a cell's weighted mean over blocks, in units of its values'.

    ``weights`` has shape (blocks,), and ``cell`` an array of values for each block.
    """
    shares = []
    for weight, values in zip(weights, cell, strict=True):
        shares.append(weight**2 / len(values))
    return float(sum(shares))


def _squares_within(cell: Sequence[Array]) -> float:
    """Return the sum of the squared deviations of a cell's values from their block's mean."""
    return sum(float(((values - values.mean()) ** 2).sum()) for values in cell)
