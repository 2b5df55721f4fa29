"""Means and their differences by Student and Welch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.statistics.estimate import LEVEL, Array, Difference, Estimate, Sample, finite_values

NO_SPREAD = 1e-9
"""Values that differ by less than this share of their size differ by rounding alone."""


def mean(sample: Sample, level: float = LEVEL) -> Estimate:
    """The mean of a sample (n,) with Student's interval; without one where n < 2 or all values are
    equal.

    Equal values are no sign of certainty: accuracies on 160 images come in steps of 1/160, and two
    seeds of the same accuracy are common however much seeds differ.
    """
    values = finite_values(sample)
    if not len(values):
        return Estimate(math.nan, n=0, level=level)
    center, error = float(values.mean()), standard_deviation(values) / math.sqrt(len(values))
    return _interval(center, error, len(values) - 1, len(values), level)


def standard_deviation(values: Array) -> float:
    """The standard deviation of values (n,); nan where it can't be known: n < 2, or all values
    equal.
    """
    if len(values) < 2:
        return math.nan
    deviation = float(values.std(ddof=1))
    return deviation if deviation > NO_SPREAD * float(np.abs(values).max()) else math.nan


def _interval(value: float, error: float, freedom: float, n: int, level: float) -> Estimate:
    """A value with Student's interval from its standard error; without one where that is nan."""
    from scipy import stats

    if math.isnan(error) or freedom <= 0:
        return Estimate(value, n=n, level=level)
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    return Estimate(value, value - half, value + half, n, level)


def student_difference(
    value: float, error: float, freedom: float, n: int, level: float = LEVEL
) -> Difference:
    """A difference with Student's interval at ``level`` and the p-value that goes with it.

    At a level of 1 - 0.05/k, for one of k comparisons, the p-value is k times the single one's, so
    that it is below 0.05 just where the interval leaves zero out.
    """
    from scipy import stats

    estimate = _interval(value, error, freedom, n, level)
    if not estimate.known:
        return Difference(estimate)
    comparisons = (1 - LEVEL) / (1 - level)
    single = float(2 * stats.t.sf(abs(value) / error, freedom))
    return Difference(estimate, min(1.0, comparisons * single))


def paired_difference(a: Sample, b: Sample, level: float = LEVEL) -> Difference:
    """Mean of a - b over pairs (n,) with Student's interval; pairs with a missing side are
    dropped.
    """
    left, right = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if left.shape != right.shape:
        raise ValueError(f"pairs need two samples of one length, not {left.size} and {right.size}")
    values = finite_values(left - right)
    if not len(values):
        return Difference(Estimate(math.nan, n=0, level=level))
    sizes = np.abs(np.concatenate([left[np.isfinite(left)], right[np.isfinite(right)]]))
    deviation = standard_deviation(values)
    # two columns that differ by the same amount in every pair differ in their rounding, which tells
    # nothing
    deviation = deviation if deviation > NO_SPREAD * float(sizes.max()) else math.nan
    return student_difference(
        float(values.mean()),
        deviation / math.sqrt(len(values)),
        len(values) - 1,
        len(values),
        level,
    )


def welch(a: Sample, b: Sample, level: float = LEVEL) -> Difference:
    """mean(a) - mean(b) of independent samples of unequal variance (after Welch 1947), n being the
    smaller's size.

    Without an interval where either has fewer than two values, or both have equal values alone.
    """
    left, right = finite_values(a), finite_values(b)
    n = min(len(left), len(right))
    if n == 0:
        return Difference(Estimate(math.nan, n=0, level=level))
    value = float(left.mean() - right.mean())
    error, freedom = _combined([left, right], [1.0, -1.0])
    return student_difference(value, error, freedom, n, level)


def _combined(samples: list[Array], weights: list[float]) -> tuple[float, float]:
    """The standard error of a weighted sum of independent means, and its degrees of freedom
    (Satterthwaite 1946).
    """
    if min(len(sample) for sample in samples) < 2 or all(
        math.isnan(standard_deviation(sample)) for sample in samples
    ):
        return math.nan, 0.0
    parts = [w**2 * float(s.var(ddof=1)) / len(s) for w, s in zip(weights, samples, strict=True)]
    return combined_error(parts, [len(sample) - 1 for sample in samples])


def combined_error(parts: Sequence[float], freedoms: Sequence[float]) -> tuple[float, float]:
    """The root of a sum of independently estimated variances, and its degrees of freedom.

    Satterthwaite's (1946), which take each estimated variance for the true one: where a sample of
    two or three stands beside a large one, that makes an interval that covers 88 % instead of 95.
    So no more of them than if all samples had the size of the smallest.
    """
    total = float(sum(parts))
    found = total**2 / sum(part**2 / freedom for part, freedom in zip(parts, freedoms, strict=True))
    return math.sqrt(total), min(found, float(len(freedoms) * min(freedoms)))


def predicted_difference(
    ours: Sample, theirs: float, seeds: int = 1, level: float = LEVEL
) -> Estimate:
    """Our mean less a figure that somebody else found with so many seeds of theirs.

    Their figure has the noise of seeds too, presumably as much of it as ours: an interval that is
    to leave zero out only where the two really differ has the width of a prediction. Without one
    where n < 2 or all our values are equal.
    """
    values = finite_values(ours)
    if not len(values):
        return Estimate(math.nan, n=0, level=level)
    error = standard_deviation(values) * math.sqrt(1 / len(values) + 1 / seeds)
    return _interval(float(values.mean()) - theirs, error, len(values) - 1, len(values), level)
