"""Where the differences between trials come from: points or seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.samples import Array


@dataclass(frozen=True)
class VarianceComponents:
    """Standard deviations between the points' true values, and between the seeds of one point.

    They are nan where they can't be known.
    """

    points: float
    seeds: float
    """The root mean square over points: one that scatters wildly counts for many."""
    typical_seeds: float
    """The median over points."""


def variance_components(groups: Sequence[Array]) -> VarianceComponents:
    """Return the components of variance of values grouped by point, each group of shape (seeds,).

    By the analysis of variance (Searle, Casella and McCulloch, Variance Components (1992), 3.6),
    which allows groups of unequal size; 0 where the points differ by no more than their seeds would
    have them differ.
    """
    held = [group for group in groups if len(group)]
    seeds_freedom = sum(len(group) - 1 for group in held)
    points_freedom = len(held) - 1
    if seeds_freedom < 1 or points_freedom < 1:
        return VarianceComponents(math.nan, math.nan, math.nan)
    within = sum(_squares(group) for group in held) / seeds_freedom
    center = float(np.concatenate(held).mean())
    from_center = [len(group) * (float(group.mean()) - center) ** 2 for group in held]
    between = sum(from_center) / points_freedom
    total = sum(len(group) for group in held)
    # what takes the place of the groups' common size where they are unequal
    size = (total - sum(len(group) ** 2 for group in held) / total) / points_freedom
    of_points = max(0.0, (between - within) / size)
    return VarianceComponents(math.sqrt(of_points), math.sqrt(within), _typical(held))


def _squares(group: Array) -> float:
    """Return the sum of the squared deviations of values (n,) from their mean."""
    return float(((group - group.mean()) ** 2).sum())


def _typical(groups: Sequence[Array]) -> float:
    """Return the median over groups of their standard deviations.

    Each is corrected for what the median of the deviation of so few values is.
    """
    from scipy.special import gammaincinv

    deviations = []
    for group in groups:
        freedom = len(group) - 1
        if freedom > 0:
            correction = math.sqrt(freedom / (2 * gammaincinv(freedom / 2, 0.5)))
            deviations.append(float(group.std(ddof=1)) * correction)
    return float(np.median(deviations))
