"""The accuracy of a training method on new images, from a few seeds and a finite set of images."""

from __future__ import annotations

import math

from analysis.estimates import LEVEL, Estimate, estimate_of_nothing
from analysis.statistics.samples import Array, Sample, finite_values
from analysis.statistics.student import student_quantile


def mean_accuracy(sample: Sample, images: int, level: float = LEVEL) -> Estimate:
    """Return the mean accuracy over seeds (n,), with an interval over seeds *and* images.

    It says what new seeds and new images would give. All seeds are tested on the same images, so
    more seeds don't say more about other images: an interval over 10 seeds alone covers the
    accuracy on new images in 45 % of cases at 360 of them. The variance is that of the seeds' mean
    plus that of the images' sampling, p (1 - p) / images; the interval is Wilson's (1927) for as
    many images as have that variance, so that it ends within [0, 1] and is right near 1.
    """
    values = finite_values(sample)
    if not len(values) or images < 1:
        return estimate_of_nothing(level)
    accuracy = float(values.mean())
    seeds = len(values)
    of_images = accuracy * (1 - accuracy) / images
    of_seeds = _variance_of_mean(values)
    total = of_images + of_seeds
    effective = float(images)
    if total > 0 and of_images > 0:
        effective = images * of_images / total
    quantile = _quantile(total, of_seeds, seeds, level)
    low, high = _wilson(accuracy, effective, quantile)
    return Estimate(accuracy, low, high, seeds, level)


def _variance_of_mean(values: Array) -> float:
    """Return the variance of the mean of values (n,); 0 for one value."""
    if len(values) < 2:
        return 0.0
    return float(values.var(ddof=1)) / len(values)


def _quantile(total: float, of_seeds: float, seeds: int, level: float) -> float:
    """Return Student's quantile, with Satterthwaite's degrees of freedom (1946).

    The images' part of the variance is known, so only the seeds' part costs degrees; without it
    the quantile is the normal law's.
    """
    freedom = math.inf
    if of_seeds > 0:
        freedom = (seeds - 1) * (total / of_seeds) ** 2
    return student_quantile((1 + level) / 2, freedom)


def _wilson(share: float, count: float, quantile: float) -> tuple[float, float]:
    """Return Wilson's interval of a share of ``count``, which need not be a whole number."""
    shrunk = quantile**2 / count
    center = (share + shrunk / 2) / (1 + shrunk)
    variance = share * (1 - share) / count
    spread = math.sqrt(variance + shrunk / (4 * count))
    half = quantile * spread / (1 + shrunk)
    return center - half, center + half
