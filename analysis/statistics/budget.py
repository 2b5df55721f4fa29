"""The expected best of n values: what a budget of n points may be expected to find."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.statistics.estimate import LEVEL, Array, Estimate, Sample, clean
from analysis.statistics.means import NO_SPREAD

CURVE_COUNTS = 50
LARGEST_SHARE = 4
"""An interval stands up to a ``1 / LARGEST_SHARE`` of the values: beyond, the best seen says too little of what might
have been seen (a bootstrap's 95 % interval covers 47 % at all of them)."""
PERMUTATIONS = 4000
AT_ONCE = 500


def best_of_n(sample: Sample, n: int, *, smallest: bool = False) -> float:
    """Expected best of ``n`` values drawn without replacement from a sample (N,): exact and unbiased; nan for n > N.

    Tang et al., Showing Your Work Doesn't Always Work (2020), arXiv 2004.13705.
    """
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
    sample: Sample, counts: Sequence[int] = (), *, smallest: bool = False, level: float = LEVEL
) -> dict[int, Estimate]:
    """The expected best of each of ``counts`` values of a sample (N,); with an interval up to a quarter of N.

    By default about CURVE_COUNTS counts from 1 to N, evenly spaced on a logarithmic scale.
    """
    values = clean(sample)
    total = len(values)
    shown = counts or sorted({round(n) for n in np.geomspace(1, max(1, total), CURVE_COUNTS)})
    return {n: estimate(values, n, smallest, level) for n in shown if n <= total}


def estimate(values: Array, n: int, smallest: bool, level: float) -> Estimate:
    """The expected best of n, with the jackknife's standard error and Student's quantile at (N - 1) / n degrees.

    N values are N / n draws of the best of n: that is how much they know of its spread. For n = 1 this is Student's
    interval of the mean.
    """
    from scipy import stats

    total, value = len(values), best_of_n(values, n, smallest=smallest)
    if total < 2 or n > total / LARGEST_SHARE:
        return Estimate(value, n=total, level=level)
    without = leaving_one_out(best_first(values, smallest), n)
    error = math.sqrt((total - 1) / total * float(((without - without.mean()) ** 2).sum()))
    if error <= NO_SPREAD * float(np.abs(values).max()):
        return Estimate(value, n=total, level=level)
    half = float(stats.t.ppf((1 + level) / 2, (total - 1) / n)) * error
    return Estimate(value, value - half, value + half, total, level)


def leaving_one_out(ordered: Array, n: int) -> Array:
    """The expected best of n without each of the values in turn, (N,) -> (N,): those behind it move up by one rank."""
    weights = best_weights(len(ordered) - 1, n)
    before = np.concatenate([[0.0], np.cumsum(weights * ordered[:-1])])
    behind = np.concatenate([np.cumsum((weights * ordered[1:])[::-1])[::-1], [0.0]])
    found: Array = before + behind
    return found


def lead_p(a: Sample, b: Sample, *, smallest: bool = False, seed: int = 0) -> float:
    """The p-value of two samples having one law, by permuting which point belongs to which.

    What is compared is the expected best of half the smaller sample's size: of all of it one value, the best, would
    decide.
    """
    left, right = clean(a), clean(b)
    if min(len(left), len(right)) < 2:
        return math.nan
    n = max(1, min(len(left), len(right)) // 2)
    together = np.concatenate([left, right])
    random, found = np.random.default_rng(seed), abs(gap(together[None], len(left), n, smallest)[0])
    as_far = 0
    for _ in range(PERMUTATIONS // AT_ONCE):
        shuffled = random.permuted(np.tile(together, (AT_ONCE, 1)), axis=1)
        as_far += int((np.abs(gap(shuffled, len(left), n, smallest)) >= found * (1 - NO_SPREAD)).sum())
    return (1 + as_far) / (1 + PERMUTATIONS)


def gap(rows: Array, first: int, n: int, smallest: bool) -> Array:
    """The difference in the expected best of n between the first values of each row and the others: (rows,)."""
    left, right = best_first(rows[:, :first], smallest), best_first(rows[:, first:], smallest)
    found: Array = left @ best_weights(left.shape[1], n) - right @ best_weights(right.shape[1], n)
    return found
