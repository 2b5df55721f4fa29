"""The accuracy of a training method on new images, from a few seeds and a finite set of images."""

from __future__ import annotations

import math

from analysis.statistics.estimate import LEVEL, Estimate, Sample, finite_values


def mean_accuracy(sample: Sample, images: int, level: float = LEVEL) -> Estimate:
    """The mean accuracy over seeds (n,), with an interval over seeds *and* images: what new ones of
    both would give.

    All seeds are tested on the same images, so more seeds don't say more about other images: an
    interval over 10 seeds alone covers the accuracy on new images in 45 % of cases at 360 of them.
    The variance is that of the seeds' mean plus that of the images' sampling, p (1 - p) / images;
    the interval is Wilson's (1927) for as many images as have that variance, so that it ends within
    [0, 1] and is right near 1.
    """
    from scipy import stats

    values = finite_values(sample)
    if not len(values) or images < 1:
        return Estimate(math.nan, n=0, level=level)
    p, count = float(values.mean()), len(values)
    of_images = p * (1 - p) / images
    of_seeds = float(values.var(ddof=1)) / count if count > 1 else 0.0
    total = of_images + of_seeds
    effective = images * of_images / total if total > 0 and of_images > 0 else float(images)
    freedom = (count - 1) * (total / of_seeds) ** 2 if of_seeds > 0 else math.inf
    law = stats.t(freedom) if math.isfinite(freedom) else stats.norm
    quantile = float(law.ppf((1 + level) / 2))
    shrunk = quantile**2 / effective
    center = (p + shrunk / 2) / (1 + shrunk)
    half = quantile * math.sqrt(p * (1 - p) / effective + shrunk / (4 * effective)) / (1 + shrunk)
    return Estimate(p, center - half, center + half, count, level)
