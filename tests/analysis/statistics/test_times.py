from __future__ import annotations

import math

import pytest
from scipy import stats

from analysis import statistics


def ends(estimate: statistics.Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


def test_the_median_of_times_counts_those_that_never_get_there() -> None:
    never = math.inf
    assert statistics.median_time([1, 2, 3], [1, 2, 3]).value == 2
    assert statistics.median_time([1, never, never], [1, never, never]).value == never
    assert statistics.median_time([1, 2, 4, never], [1, 2, 4, never]).value == 3
    bound = statistics.median_time([1, 2, 3], [1, never, never])
    assert bound.value == never, "the latest that it can be"


def test_the_interval_of_a_median_is_that_of_order_statistics() -> None:
    times = list(range(1, 11))
    found = statistics.median_time(times, times)
    assert (found.value, *ends(found)) == (5.5, 2, 9)
    assert stats.binom.cdf(1, 10, 0.5) < 0.025 < stats.binom.cdf(2, 10, 0.5)
    assert math.isnan(statistics.median_time(times[:5], times[:5]).low), "five are too few for any"


def test_a_share_has_the_exact_binomial_interval_from_its_bounds() -> None:
    exact = stats.binomtest(3, 10).proportion_ci(method="exact")
    assert ends(statistics.binomial_share(3, 3, 10)) == pytest.approx((exact.low, exact.high))
    wide = statistics.binomial_share(3, 6, 10)
    assert (wide.value, wide.low) == pytest.approx((0.3, exact.low))
    assert wide.high == pytest.approx(stats.binomtest(6, 10).proportion_ci(method="exact").high)
    assert ends(statistics.binomial_share(0, 10, 10)) == (0.0, 1.0)
