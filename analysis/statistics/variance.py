"""Where the differences between trials come from: points or seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.statistics.estimate import Array


@dataclass(frozen=True)
class VarianceComponents:
    """Standard deviations: between the points' true values, and between the seeds of one point; nan
    where unknown.
    """

    points: float
    seeds: float
    """The root mean square over points: one that scatters wildly counts for many."""
    typical_seeds: float
    """The median over points."""


def variance_components(groups: Sequence[Array]) -> VarianceComponents:
    """The components of variance of values grouped by point, each group of shape (seeds,).

    By the analysis of variance (Searle, Casella and McCulloch, Variance Components (1992), 3.6),
    which allows groups of unequal size; 0 where the points differ by no more than their seeds would
    have them differ.
    """
    held = [group for group in groups if len(group)]
    total, freedom = sum(len(group) for group in held), sum(len(group) - 1 for group in held)
    if freedom < 1 or len(held) < 2:
        return VarianceComponents(math.nan, math.nan, math.nan)
    within = sum(float(((group - group.mean()) ** 2).sum()) for group in held) / freedom
    center = float(np.concatenate(held).mean())
    between = sum(len(group) * (float(group.mean()) - center) ** 2 for group in held) / (
        len(held) - 1
    )
    size = (total - sum(len(group) ** 2 for group in held) / total) / (len(held) - 1)
    return VarianceComponents(
        math.sqrt(max(0.0, (between - within) / size)), math.sqrt(within), _typical(held)
    )


def _typical(groups: Sequence[Array]) -> float:
    """The median over groups of their standard deviations, each corrected for what the median of so
    few values is.
    """
    from scipy import stats

    pairs = [(float(group.std(ddof=1)), len(group) - 1) for group in groups if len(group) > 1]
    return float(
        np.median(
            [deviation * math.sqrt(free / stats.chi2.median(free)) for deviation, free in pairs]
        )
    )
