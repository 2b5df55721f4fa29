"""How long it takes to reach a target: quantiles of times, some never, some known in bounds
alone.
"""

from __future__ import annotations

import math

import numpy as np

from analysis.statistics.estimate import LEVEL, Array, Estimate, Sample


def median_time(earliest: Sample, latest: Sample, level: float = LEVEL) -> Estimate:
    """The median of times (n,), each known to lie between its ``earliest`` and its ``latest``; inf
    for never.

    The value is the latest that the median can be. The interval is exact whatever the law (order
    statistics; Conover, Practical Nonparametric Statistics, 3.2), its low end from the earliest
    times, its high end from the latest; without one where there are too few times for any, five or
    fewer at 95 %.
    """
    from scipy import stats

    low, high = _sorted_times(earliest), _sorted_times(latest)
    count = len(high)
    if not count:
        return Estimate(math.nan, n=0, level=level)
    below = int(
        stats.binom.ppf((1 - level) / 2, count, 0.5)
    )  # so many of the least may lie below the median
    if below < 1:
        return Estimate(_middle(high), n=count, level=level)
    return Estimate(_middle(high), float(low[below - 1]), float(high[count - below]), count, level)


def _sorted_times(sample: Sample) -> Array:
    """In order, never (inf) last; missing ones dropped."""
    values = np.asarray(sample, dtype=float).ravel()
    ordered: Array = np.sort(values[~np.isnan(values)])
    return ordered


def _middle(times: Array) -> float:
    """The median of sorted times; inf where half of them are never."""
    lower, upper = times[(len(times) - 1) // 2], times[len(times) // 2]
    return math.inf if math.isinf(upper) else float(lower + upper) / 2


def binomial_share(least: int, most: int, n: int, level: float = LEVEL) -> Estimate:
    """The share of n that is ``least`` / n for sure and up to ``most`` / n perhaps, with the exact
    binomial interval.

    The value is the lower one. Clopper and Pearson (1934): at least ``level`` is covered.
    """
    from scipy import stats

    if n == 0:
        return Estimate(math.nan, n=0, level=level)
    tail = (1 - level) / 2
    low = 0.0 if least == 0 else float(stats.beta.ppf(tail, least, n - least + 1))
    high = 1.0 if most == n else float(stats.beta.ppf(1 - tail, most + 1, n - most))
    return Estimate(least / n, low, high, n, level)
