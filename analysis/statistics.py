"""Statistics for small samples: arrays in, an estimate together with its interval out.

Missing values (nan) are dropped first. Where a sample is too small to say how uncertain it is, the interval's ends
are nan; they are never narrowed for looks. scipy is loaded where it is needed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array: TypeAlias = NDArray[np.float64]
Sample: TypeAlias = ArrayLike
"""Anything that numpy takes for a vector of numbers, a column of a frame included."""

LEVEL = 0.95
RESAMPLES = 4000
CURVE_RESAMPLES = 500
CURVE_COUNTS = 50
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class Estimate:
    """A value with its interval at ``level`` and the number of observations behind it."""

    value: float
    low: float = math.nan
    high: float = math.nan
    n: int = 1
    level: float = LEVEL

    @property
    def known(self) -> bool:
        """Whether there is an interval."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    @property
    def excludes_zero(self) -> bool:
        return self.known and (self.low > 0 or self.high < 0)

    def __neg__(self) -> Estimate:
        return Estimate(-self.value, -self.high, -self.low, self.n, self.level)


@dataclass(frozen=True)
class Difference:
    """A difference of two means with its interval, and the two-sided p-value of there being none."""

    estimate: Estimate
    p: float


def clean(sample: Sample) -> Array:
    """The sample's finite values, shape (n,)."""
    values = np.asarray(sample, dtype=float).ravel()
    finite: Array = values[np.isfinite(values)]
    return finite


def mean(sample: Sample, level: float = LEVEL) -> Estimate:
    """The mean of a sample (n,) with Student's interval; without one where n < 2."""
    values = clean(sample)
    if len(values) < 2:
        return Estimate(float(values[0]) if len(values) else math.nan, n=len(values), level=level)
    center, half = float(values.mean()), half_width(values, level)
    return Estimate(center, center - half, center + half, len(values), level)


def half_width(values: Array, level: float) -> float:
    from scipy import stats

    error = float(values.std(ddof=1)) / math.sqrt(len(values))
    return float(stats.t.ppf((1 + level) / 2, len(values) - 1)) * error


def bootstrap(
    sample: Sample, statistic: Callable[[Array], Array] | None = None, level: float = LEVEL, seed: int = 0
) -> Estimate:
    """A statistic of a sample (n,) with its percentile bootstrap interval.

    ``statistic`` maps (resamples, n) to (resamples,); the mean by default. Without an interval where n < 2.
    Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    values = clean(sample)
    measure = statistic or row_means
    if len(values) < 2:
        return Estimate(float(values[0]) if len(values) else math.nan, n=len(values), level=level)
    draws = np.random.default_rng(seed).integers(0, len(values), (RESAMPLES, len(values)))
    low, high = np.quantile(measure(values[draws]), [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(measure(values[None])[0]), float(low), float(high), len(values), level)


def row_means(values: Array) -> Array:
    """(resamples, n) -> (resamples,)."""
    means: Array = values.mean(axis=1)
    return means


def paired_difference(a: Sample, b: Sample, level: float = LEVEL) -> Difference:
    """Mean of a - b over pairs (n,) with Student's interval; pairs with a missing side are dropped."""
    left, right = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if left.shape != right.shape:
        raise ValueError(f"pairs need two samples of one length, not {left.size} and {right.size}")
    estimate = mean(left - right, level)
    return Difference(estimate, p_of(estimate, estimate.n - 1))


def welch(a: Sample, b: Sample, level: float = LEVEL) -> Difference:
    """mean(a) - mean(b) of independent samples of unequal variance (Welch 1947)."""
    from scipy import stats

    left, right = clean(a), clean(b)
    n = min(len(left), len(right))
    if n == 0:
        return Difference(Estimate(math.nan, n=0, level=level), math.nan)
    value = float(left.mean() - right.mean())
    if n < 2:
        return Difference(Estimate(value, n=n, level=level), math.nan)
    errors = left.var(ddof=1) / len(left), right.var(ddof=1) / len(right)
    squared = float(sum(errors))
    if squared == 0:
        return Difference(Estimate(value, value, value, n, level), 0.0 if value else 1.0)
    freedom = squared**2 / (errors[0] ** 2 / (len(left) - 1) + errors[1] ** 2 / (len(right) - 1))
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * math.sqrt(squared)
    estimate = Estimate(value, value - half, value + half, n, level)
    return Difference(estimate, p_of(estimate, freedom))


def p_of(estimate: Estimate, freedom: float) -> float:
    """The two-sided p-value that belongs to a symmetric Student interval."""
    from scipy import stats

    half = (estimate.high - estimate.low) / 2
    if not math.isfinite(half):
        return math.nan
    if half == 0:
        return 0.0 if estimate.value else 1.0
    error = half / float(stats.t.ppf((1 + estimate.level) / 2, freedom))
    return float(2 * stats.t.sf(abs(estimate.value) / error, freedom))


def best_of_n(sample: Sample, n: int, *, smallest: bool = False) -> float:
    """Expected best of ``n`` values drawn without replacement from a sample (N,): exact and unbiased; nan for n > N."""
    values = best_first(clean(sample), smallest)
    return float(best_weights(len(values), n) @ values) if 1 <= n <= len(values) else math.nan


def best_first(values: Array, smallest: bool) -> Array:
    """Sorted along the last axis, the best first."""
    ordered: Array = np.sort(values, axis=-1)
    return ordered if smallest else ordered[..., ::-1]


def best_weights(total: int, n: int) -> Array:
    """How likely each of ``total`` values, best first, is the best of ``n``: (total,).

    The i-th worst is the best of C(i - 1, n - 1) of the C(total, n) subsets; each weight follows from the one before.
    """
    ranks = np.arange(total, 1, -1, dtype=float)
    ratios = np.clip((ranks - n) / (ranks - 1), 0.0, None)
    weights: Array = n / total * np.cumprod(np.concatenate([[1.0], ratios]))
    return weights


def best_of_n_curve(
    sample: Sample, counts: Sequence[int] = (), *, smallest: bool = False, seed: int = 0
) -> dict[int, Estimate]:
    """The expected best of each of ``counts`` values, with a bootstrap interval over the sample (N,).

    By default about CURVE_COUNTS counts from 1 to N, evenly spaced on a logarithmic scale.
    """
    values = clean(sample)
    total = len(values)
    shown = counts or sorted({round(n) for n in np.geomspace(1, max(1, total), CURVE_COUNTS)})
    draws = np.random.default_rng(seed).integers(0, total, (CURVE_RESAMPLES, total)) if total > 1 else None
    resampled = best_first(values[draws], smallest) if draws is not None else None
    curve = {}
    for n in (n for n in shown if n <= total):
        value = best_of_n(values, n, smallest=smallest)
        if resampled is None:
            curve[n] = Estimate(value, n=total)
        else:
            low, high = np.quantile(resampled @ best_weights(total, n), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            curve[n] = Estimate(value, float(low), float(high), total)
    return curve


@dataclass(frozen=True)
class Survival:
    """A Kaplan-Meier curve: at each event ``time``, the share that has not got there yet, with its interval.

    Shapes (events,). The interval is Greenwood's on the log(-log) scale.
    """

    time: Array
    remaining: Array
    low: Array
    high: Array

    def time_when(self, remaining: float, curve: Array | None = None) -> float:
        """The first time at which at most that share remains; inf where the curve doesn't come down to it."""
        below = np.flatnonzero((self.remaining if curve is None else curve) <= remaining + 1e-12)
        return float(self.time[below[0]]) if len(below) else math.inf


def kaplan_meier(times: Sample, reached: Sequence[bool], level: float = LEVEL) -> Survival:
    """Times (n,) to an event, or to where the observation ended without it (``reached`` false: censored).

    Kaplan and Meier (1958); the interval after Kalbfleisch and Prentice, The Statistical Analysis of Failure Time
    Data (2002), section 1.4.
    """
    from scipy import stats

    observed, event = np.asarray(times, dtype=float), np.asarray(reached, dtype=bool)
    at = np.unique(observed[event])
    at_risk = np.array([(observed >= t).sum() for t in at], dtype=float)
    events = np.array([((observed == t) & event).sum() for t in at], dtype=float)
    remaining = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)))
        spread = float(stats.norm.ppf((1 + level) / 2)) * np.sqrt(greenwood) / np.log(remaining)
        low, high = remaining ** np.exp(-spread), remaining ** np.exp(spread)
    return Survival(at, remaining, np.nan_to_num(low, nan=0.0), np.nan_to_num(high, nan=1.0))


def median_time(times: Sample, reached: Sequence[bool], level: float = LEVEL) -> Estimate:
    """The median time to an event with censoring, and its interval (Brookmeyer and Crowley 1982); inf: beyond."""
    if not any(reached):
        return Estimate(math.inf, n=len(reached), level=level)
    curve = kaplan_meier(times, reached, level)
    ends = (curve.time_when(0.5, curve.low), curve.time_when(0.5, curve.high))
    return Estimate(curve.time_when(0.5), *ends, n=len(reached), level=level)


def seeds_needed(deviation: float, difference: float, level: float = LEVEL) -> int | None:
    """The least n at which a paired difference of that size and deviation excludes zero; None where none up to 10,000.

    The difference is taken as it was found: a plan, not a promise.
    """
    from scipy import stats

    if not difference or not math.isfinite(difference) or not math.isfinite(deviation):
        return None
    n = np.arange(2, MOST_SEEDS + 1)
    half = stats.t.ppf((1 + level) / 2, n - 1) * deviation / np.sqrt(n)
    enough = np.flatnonzero(half < abs(difference))
    return int(n[enough[0]]) if len(enough) else None
