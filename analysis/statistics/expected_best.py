"""The expected best of n values: what a budget of n points may be expected to find.

Tang et al., Showing Your Work Doesn't Always Work (2020), arXiv 2004.13705.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.estimates import LEVEL, Difference, Estimate, estimate_of_nothing
from analysis.statistics.means import NO_SPREAD, combined_error, student_difference
from analysis.statistics.samples import Array, Sample, finite_values
from analysis.statistics.student import student_quantile

_CURVE_COUNTS = 50
_LARGEST_SHARE = 4
"""An interval stands up to a ``1 / LARGEST_SHARE`` of the values: beyond, the best seen says too
little of what might have been seen (a bootstrap's 95 % interval covers 47 % at all of them)."""


def expected_best(sample: Sample, n: int, *, smallest: bool = False) -> float:
    """Return the expected best of ``n`` values drawn without replacement from a sample (N,).

    It is exact and unbiased; nan for n > N. ``smallest``: less is better.
    """
    values = _best_first(finite_values(sample), smallest)
    if not 1 <= n <= len(values):
        return math.nan
    return float(_best_weights(len(values), n) @ values)


def _best_first(values: Array, smallest: bool) -> Array:
    """Return values sorted along the last axis, the best first."""
    ordered: Array = np.sort(values, axis=-1)
    return ordered if smallest else ordered[..., ::-1]


def _best_weights(total: int, n: int) -> Array:
    """Return how likely each of ``total`` values, best first, is the best of ``n``: (total,).

    The i-th worst is the best of C(i - 1, n - 1) of the C(total, n) subsets; each weight follows
    from the one before.
    """
    places = np.arange(total, 1, -1, dtype=float)
    ratios = np.clip((places - n) / (places - 1), 0.0, None)
    falling = np.cumprod(np.concatenate([[1.0], ratios]))
    weights: Array = n / total * falling
    return weights


def expected_best_curve(
    sample: Sample, counts: Sequence[int] = (), *, smallest: bool = False, level: float = LEVEL
) -> dict[int, Estimate]:
    """Return the expected best of each of ``counts`` values of a sample (N,).

    It has an interval up to a quarter of N. By default there are about CURVE_COUNTS counts from 1
    to N, evenly spaced on a logarithmic scale.
    """
    values = finite_values(sample)
    total = len(values)
    wanted = counts or _spaced_counts(total)
    return {n: _estimate(values, n, smallest, level) for n in wanted if n <= total}


def _spaced_counts(total: int) -> list[int]:
    spaced = np.geomspace(1, max(1, total), _CURVE_COUNTS)
    return sorted({round(count) for count in spaced})


def _estimate(values: Array, n: int, smallest: bool, level: float) -> Estimate:
    """Return the expected best of n of values (N,), with an interval where n is at most N / 4.

    The interval has the jackknife's standard error and Student's quantile at (N - 1) / n degrees: N
    values are N / n draws of the best of n, and that is how much they know of its spread. For n = 1
    this is Student's interval of the mean.
    """
    total = len(values)
    value = expected_best(values, n, smallest=smallest)
    if total < 2 or n > total / _LARGEST_SHARE:
        return Estimate(value, n=total, level=level)
    variance = _jackknife_variance(_best_first(values, smallest), n)
    error = math.sqrt(float(variance))
    if error <= NO_SPREAD * float(np.abs(values).max()):
        return Estimate(value, n=total, level=level)
    quantile = student_quantile((1 + level) / 2, (total - 1) / n)
    half = quantile * error
    return Estimate(value, value - half, value + half, total, level)


def leave_one_out(ordered: Array, n: int) -> Array:
    """Return the expected best of n without each of the values in turn, (…, N) -> (…, N).

    ``ordered`` are the values, best first. Those behind the one that is left out move up by one.
    """
    weights = _best_weights(ordered.shape[-1] - 1, n)
    at_own_place = weights * ordered[..., :-1]
    moved_up = weights * ordered[..., 1:]
    before = np.cumsum(at_own_place, axis=-1)
    behind = np.cumsum(moved_up[..., ::-1], axis=-1)[..., ::-1]
    none = np.zeros_like(ordered[..., :1])
    better = np.concatenate([none, before], axis=-1)
    worse = np.concatenate([behind, none], axis=-1)
    found: Array = better + worse
    return found


def comparable_count(a: Sample, b: Sample) -> int:
    """Return the n at which two samples' expected best of n is compared.

    It is a quarter of the smaller one's size, at least 1.
    """
    smaller = min(len(finite_values(a)), len(finite_values(b)))
    return max(1, smaller // _LARGEST_SHARE)


def expected_best_difference(
    a: Sample, b: Sample, n: int = 0, *, smallest: bool = False, level: float = LEVEL
) -> Difference:
    """Return how much more a's expected best of ``n`` values is than b's; its ``n`` is that.

    By default ``n`` is their ``comparable_count``. Each side's error is its jackknife's, at
    (N - 1) / n degrees of freedom, so the sides may scatter unequally. Without an interval where a
    side has fewer than two values, or both have equal ones alone.
    """
    sides = [finite_values(a), finite_values(b)]
    sizes = [len(side) for side in sides]
    if min(sizes) == 0:
        return Difference(estimate_of_nothing(level))
    n = n or comparable_count(*sides)
    left, right = (expected_best(side, n, smallest=smallest) for side in sides)
    value = left - right
    if min(sizes) < 2:
        return Difference(Estimate(value, n=n, level=level))
    variances = [float(_jackknife_variance(_best_first(side, smallest), n)) for side in sides]
    greatest = float(np.abs(np.concatenate(sides)).max())
    if math.sqrt(sum(variances)) <= NO_SPREAD * greatest:
        return Difference(Estimate(value, n=n, level=level))
    error, freedom = combined_error(variances, [(size - 1) / n for size in sizes])
    return student_difference(value, error, freedom, n, level)


def _jackknife_variance(ordered: Array, n: int) -> Array:
    """Return the variance of the expected best of n < N of values, best first, (…, N) -> (…)."""
    total = ordered.shape[-1]
    without = leave_one_out(ordered, n)
    deviations = without - without.mean(axis=-1, keepdims=True)
    variance: Array = (total - 1) / total * (deviations**2).sum(axis=-1)
    return variance
