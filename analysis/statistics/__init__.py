"""Statistics for small samples: arrays in, an estimate together with its interval out.

Missing values (nan) are dropped first. Where a sample can't say how uncertain its figure is (one
value, values that are all equal, the best of nearly all there are), the interval's ends are nan: no
interval is better than a wrong one. What each interval covers is measured by simulation, in
tests/analysis/coverage. scipy is loaded where it is needed, which Student's law, under nearly every
interval, doesn't need.
"""

from analysis.estimates import LEVEL, Difference, Estimate, level_for
from analysis.statistics.contrasts import Contrast, estimate_contrast
from analysis.statistics.expected_best import (
    comparable_count,
    expected_best,
    expected_best_curve,
    expected_best_difference,
)
from analysis.statistics.images import mean_accuracy
from analysis.statistics.means import (
    mean,
    paired_difference,
    predicted_difference,
    standard_deviation,
    welch,
)
from analysis.statistics.power import seeds_needed
from analysis.statistics.samples import Array, Sample, finite_values
from analysis.statistics.times import binomial_share, median_time
from analysis.statistics.variance import VarianceComponents, variance_components

__all__ = [
    "LEVEL",
    "Array",
    "Contrast",
    "Difference",
    "Estimate",
    "Sample",
    "VarianceComponents",
    "binomial_share",
    "comparable_count",
    "estimate_contrast",
    "expected_best",
    "expected_best_curve",
    "expected_best_difference",
    "finite_values",
    "level_for",
    "mean",
    "mean_accuracy",
    "median_time",
    "paired_difference",
    "predicted_difference",
    "seeds_needed",
    "standard_deviation",
    "variance_components",
    "welch",
]
