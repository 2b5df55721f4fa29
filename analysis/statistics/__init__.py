"""Statistics for small samples: arrays in, an estimate together with its interval out.

Missing values (nan) are dropped first. Where a sample can't say how uncertain its figure is (one
value, values that are all equal, the best of nearly all there are), the interval's ends are nan: no
interval is better than a wrong one. What each interval covers is measured by simulation, in
tests/analysis/coverage. scipy is loaded where it is needed.
"""

from analysis.statistics.budget import best_difference, best_of_n, best_of_n_curve, compared_at
from analysis.statistics.contrasts import Contrast, contrast
from analysis.statistics.estimate import (
    LEVEL,
    Array,
    Difference,
    Estimate,
    Sample,
    clean,
    level_for,
)
from analysis.statistics.images import accuracy
from analysis.statistics.means import mean, paired_difference, predicted_difference, spread, welch
from analysis.statistics.power import seeds_needed
from analysis.statistics.times import median_time, share
from analysis.statistics.variance import Components, components

__all__ = [
    "LEVEL",
    "Array",
    "Components",
    "Contrast",
    "Difference",
    "Estimate",
    "Sample",
    "accuracy",
    "best_difference",
    "best_of_n",
    "best_of_n_curve",
    "clean",
    "compared_at",
    "components",
    "contrast",
    "level_for",
    "mean",
    "median_time",
    "paired_difference",
    "predicted_difference",
    "seeds_needed",
    "share",
    "spread",
    "welch",
]
