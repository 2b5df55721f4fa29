"""How long it takes to reach a target: quantiles of times that may be never, or known in bounds."""

from __future__ import annotations

import math

import numpy as np

from analysis.estimates import LEVEL, Estimate, estimate_of_nothing
from analysis.statistics.samples import Array, Sample


def median_time(earliest: Sample, latest: Sample, level: float = LEVEL) -> Estimate:
    """Return the median of times (n,), each between its ``earliest`` and its ``latest``.

    inf is never. The value is the latest that the median can be. The interval is exact whatever the
    law (order statistics; Conover, Practical Nonparametric Statistics, 3.2), its low end from the
    earliest times, its high end from the latest; without one where there are too few times for any,
    five or fewer at 95 %.
    """
    from scipy.special import bdtrik

    low, high = _sorted_times(earliest), _sorted_times(latest)
    count = len(high)
    if not count:
        return estimate_of_nothing(level)
    median = _middle(high)
    # so many of the least times may lie below the true median
    below = math.ceil(bdtrik((1 - level) / 2, count, 0.5))
    if below < 1:
        return Estimate(median, n=count, level=level)
    return Estimate(median, float(low[below - 1]), float(high[count - below]), count, level)


def _sorted_times(sample: Sample) -> Array:
    """Return times in order, never (inf) last; missing ones (nan) are dropped."""
    values = np.asarray(sample, dtype=float).ravel()
    ordered: Array = np.sort(values[~np.isnan(values)])
    return ordered


def _middle(times: Array) -> float:
    """Return the median of sorted times (n,); inf where half of them are never."""
    last = len(times) - 1
    lower, upper = times[last // 2], times[len(times) // 2]
    if math.isinf(upper):
        return math.inf
    return float(lower + upper) / 2


def binomial_share(least: int, most: int, n: int, level: float = LEVEL) -> Estimate:
    """Return the share of n that is ``least`` / n for sure and up to ``most`` / n perhaps.

    The value is the lower one. The interval is the exact binomial one of Clopper and Pearson
    (1934): at least ``level`` is covered.
    """
    from scipy.special import betaincinv

    if n == 0:
        return estimate_of_nothing(level)
    tail = (1 - level) / 2
    low, high = 0.0, 1.0
    if least > 0:
        low = float(betaincinv(least, n - least + 1, tail))
    if most < n:
        high = float(betaincinv(most + 1, n - most, 1 - tail))
    return Estimate(least / n, low, high, n, level)
