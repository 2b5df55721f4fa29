"""Means and their differences, with the intervals of Student and Welch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.estimates import LEVEL, Difference, Estimate, estimate_of_nothing
from analysis.statistics.samples import Array, Sample, finite_values
from analysis.statistics.student import student_quantile, student_tail

NO_SPREAD = 1e-9
"""Values that differ by less than this share of their size differ by rounding alone."""


def mean(sample: Sample, level: float = LEVEL) -> Estimate:
    """Return the mean of a sample (n,) with Student's interval over the sample's values.

    Without an interval where n < 2 or all values are equal. Equal values are no sign of certainty:
    accuracies on 160 images come in steps of 1/160, and two seeds of the same accuracy are common
    however much seeds differ.
    """
    values = finite_values(sample)
    count = len(values)
    if not count:
        return estimate_of_nothing(level)
    error = standard_deviation(values) / math.sqrt(count)
    return _interval(float(values.mean()), error, count - 1, count, level)


def standard_deviation(values: Array) -> float:
    """Return the standard deviation of values (n,); nan where n < 2, or all values are equal."""
    if len(values) < 2:
        return math.nan
    deviation = float(values.std(ddof=1))
    greatest = float(np.abs(values).max())
    return deviation if deviation > NO_SPREAD * greatest else math.nan


def _interval(value: float, error: float, freedom: float, n: int, level: float) -> Estimate:
    """Return a value with Student's interval; without one where its standard error is nan."""
    if math.isnan(error) or freedom <= 0:
        return Estimate(value, n=n, level=level)
    quantile = student_quantile((1 + level) / 2, freedom)
    half = quantile * error
    return Estimate(value, value - half, value + half, n, level)


def student_difference(
    value: float, error: float, freedom: float, n: int, level: float = LEVEL
) -> Difference:
    """Return a difference with Student's interval from its standard error, and its p-value.

    At a level of 1 - 0.05/k, for one of k comparisons, the p-value is k times the single one's, so
    that it is below 0.05 just where the interval leaves zero out.
    """
    estimate = _interval(value, error, freedom, n, level)
    if not estimate.known:
        return Difference(estimate)
    comparisons = (1 - LEVEL) / (1 - level)
    single = 2 * student_tail(abs(value) / error, freedom)
    return Difference(estimate, min(1.0, comparisons * single))


def paired_difference(a: Sample, b: Sample, level: float = LEVEL) -> Difference:
    """Return the mean of a - b over pairs (n,) with Student's interval over pairs.

    Pairs with a missing side are dropped.
    """
    left, right = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if left.shape != right.shape:
        raise ValueError(f"pairs need two samples of one length, not {left.size} and {right.size}")
    values = finite_values(left - right)
    count = len(values)
    if not count:
        return Difference(estimate_of_nothing(level))
    both = np.concatenate([finite_values(left), finite_values(right)])
    greatest = float(np.abs(both).max())
    deviation = standard_deviation(values)
    # two columns that differ by the same amount in every pair differ in their rounding, which tells
    # nothing
    error = math.nan
    if deviation > NO_SPREAD * greatest:
        error = deviation / math.sqrt(count)
    return student_difference(float(values.mean()), error, count - 1, count, level)


def welch(a: Sample, b: Sample, level: float = LEVEL) -> Difference:
    """Return mean(a) - mean(b) of independent samples (n,) and (m,) of unequal variance.

    After Welch (1947); its ``n`` is the smaller's size. Without an interval where either has fewer
    than two values, or both have equal values alone.
    """
    left, right = finite_values(a), finite_values(b)
    n = min(len(left), len(right))
    if n == 0:
        return Difference(estimate_of_nothing(level))
    value = float(left.mean() - right.mean())
    error, freedom = _error_of_difference(left, right)
    return student_difference(value, error, freedom, n, level)


def _error_of_difference(left: Array, right: Array) -> tuple[float, float]:
    """Return the standard error of the difference of two means, and its degrees of freedom."""
    samples = (left, right)
    if min(len(left), len(right)) < 2:
        return math.nan, 0.0
    if all(math.isnan(standard_deviation(sample)) for sample in samples):
        return math.nan, 0.0
    variances = [float(sample.var(ddof=1)) / len(sample) for sample in samples]
    return combined_error(variances, [len(sample) - 1 for sample in samples])


def combined_error(variances: Sequence[float], freedoms: Sequence[float]) -> tuple[float, float]:
    """Return the root of a sum of independently estimated variances, and its degrees of freedom.

    Satterthwaite's degrees (1946) take each estimated variance for the true one: where a sample of
    two or three stands beside a large one, that makes an interval that covers 88 % instead of 95.
    So there are no more of them than if all samples had the size of the smallest.
    """
    total = float(sum(variances))
    parts = [part**2 / freedom for part, freedom in zip(variances, freedoms, strict=True)]
    satterthwaite = total**2 / sum(parts)
    most = float(len(freedoms) * min(freedoms))
    return math.sqrt(total), min(satterthwaite, most)


def predicted_difference(
    ours: Sample, theirs: float, seeds: int = 1, level: float = LEVEL
) -> Estimate:
    """Return our mean over seeds (n,) less a figure that somebody else found with so many seeds.

    Their figure has the noise of seeds too, presumably as much of it as ours: an interval that is
    to leave zero out only where the two really differ has the width of a prediction. Without one
    where n < 2 or all our values are equal.
    """
    values = finite_values(ours)
    count = len(values)
    if not count:
        return estimate_of_nothing(level)
    error = standard_deviation(values) * math.sqrt(1 / count + 1 / seeds)
    return _interval(float(values.mean()) - theirs, error, count - 1, count, level)
