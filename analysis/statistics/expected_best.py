"""The expected best of n values: what a budget of n points may be expected to find."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.statistics.estimate import LEVEL, Array, Difference, Estimate, Sample, finite_values
from analysis.statistics.means import NO_SPREAD, combined_error, student_difference

_CURVE_COUNTS = 50
_LARGEST_SHARE = 4
"""An interval stands up to a ``1 / LARGEST_SHARE`` of the values: beyond, the best seen says too
little of what might have been seen (a bootstrap's 95 % interval covers 47 % at all of them)."""


def expected_best(sample: Sample, n: int, *, smallest: bool = False) -> float:
    """Expected best of ``n`` values drawn without replacement from a sample (N,): exact and
    unbiased; nan for n > N.

    Tang et al., Showing Your Work Doesn't Always Work (2020), arXiv 2004.13705.
    """
    values = _best_first(finite_values(sample), smallest)
    return float(_best_weights(len(values), n) @ values) if 1 <= n <= len(values) else math.nan


def _best_first(values: Array, smallest: bool) -> Array:
    """Sorted along the last axis, the best first."""
    ordered: Array = np.sort(values, axis=-1)
    return ordered if smallest else ordered[..., ::-1]


def _best_weights(total: int, n: int) -> Array:
    """How likely each of ``total`` values, best first, is the best of ``n``: (total,).

    The i-th worst is the best of C(i - 1, n - 1) of the C(total, n) subsets; each weight follows
    from the one before.
    """
    ranks = np.arange(total, 1, -1, dtype=float)
    ratios = np.clip((ranks - n) / (ranks - 1), 0.0, None)
    weights: Array = n / total * np.cumprod(np.concatenate([[1.0], ratios]))
    return weights


def expected_best_curve(
    sample: Sample, counts: Sequence[int] = (), *, smallest: bool = False, level: float = LEVEL
) -> dict[int, Estimate]:
    """The expected best of each of ``counts`` values of a sample (N,); with an interval up to a
    quarter of N.

    By default about CURVE_COUNTS counts from 1 to N, evenly spaced on a logarithmic scale.
    """
    values = finite_values(sample)
    total = len(values)
    shown = counts or sorted({round(n) for n in np.geomspace(1, max(1, total), _CURVE_COUNTS)})
    return {n: _estimate(values, n, smallest, level) for n in shown if n <= total}


def _estimate(values: Array, n: int, smallest: bool, level: float) -> Estimate:
    """The expected best of n, with the jackknife's standard error and Student's quantile at (N - 1)
    / n degrees.

    N values are N / n draws of the best of n: that is how much they know of its spread. For n = 1
    this is Student's interval of the mean.
    """
    from scipy import stats

    total, value = len(values), expected_best(values, n, smallest=smallest)
    if total < 2 or n > total / _LARGEST_SHARE:
        return Estimate(value, n=total, level=level)
    error = math.sqrt(float(_jackknife_variance(_best_first(values, smallest), n)))
    if error <= NO_SPREAD * float(np.abs(values).max()):
        return Estimate(value, n=total, level=level)
    half = float(stats.t.ppf((1 + level) / 2, (total - 1) / n)) * error
    return Estimate(value, value - half, value + half, total, level)


def leaving_one_out(ordered: Array, n: int) -> Array:
    """The expected best of n without each of the values in turn, (…, N) -> (…, N): those behind it
    move up by one.
    """
    weights = _best_weights(ordered.shape[-1] - 1, n)
    before = np.cumsum(weights * ordered[..., :-1], axis=-1)
    behind = np.cumsum((weights * ordered[..., 1:])[..., ::-1], axis=-1)[..., ::-1]
    none = np.zeros_like(ordered[..., :1])
    found: Array = np.concatenate([none, before], axis=-1) + np.concatenate([behind, none], axis=-1)
    return found


def comparable_count(a: Sample, b: Sample) -> int:
    """The n at which two samples' expected best of n is compared: a quarter of the smaller one's
    size.
    """
    return max(1, min(len(finite_values(a)), len(finite_values(b))) // _LARGEST_SHARE)


def expected_best_difference(
    a: Sample, b: Sample, n: int = 0, *, smallest: bool = False, level: float = LEVEL
) -> Difference:
    """How much more a's expected best of ``n`` values is than b's; by default of ``compared_at``.
    Its ``n`` is that.

    Each side's error is its jackknife's, at (N - 1) / n degrees of freedom, so the sides may
    scatter unequally. Without an interval where a side has fewer than two values, or both have
    equal ones alone.
    """
    left, right = finite_values(a), finite_values(b)
    if not len(left) or not len(right):
        return Difference(Estimate(math.nan, n=0, level=level))
    n = n or comparable_count(left, right)
    value = expected_best(left, n, smallest=smallest) - expected_best(right, n, smallest=smallest)
    if min(len(left), len(right)) < 2:
        return Difference(Estimate(value, n=n, level=level))
    variances = [
        float(_jackknife_variance(_best_first(side, smallest), n)) for side in (left, right)
    ]
    size = NO_SPREAD * float(np.abs(np.concatenate([left, right])).max())
    if math.sqrt(sum(variances)) <= size:
        return Difference(Estimate(value, n=n, level=level))
    error, freedom = combined_error(variances, [(len(side) - 1) / n for side in (left, right)])
    return student_difference(value, error, freedom, n, level)


def _jackknife_variance(ordered: Array, n: int) -> Array:
    """The variance of the expected best of n < N, (…, N) -> (…)."""
    total = ordered.shape[-1]
    without = leaving_one_out(ordered, n)
    found: Array = (
        (total - 1) / total * ((without - without.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    )
    return found
