from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import statistics

A = [0.91, 0.93, 0.90, 0.95, 0.92]
B = [0.89, 0.92, 0.88, 0.94, 0.93]


def test_mean_has_students_interval() -> None:
    estimate = statistics.mean(A)
    low, high = stats.t.interval(0.95, 4, loc=np.mean(A), scale=stats.sem(A))
    assert (estimate.low, estimate.high, estimate.n) == (pytest.approx(low), pytest.approx(high), 5)


def test_one_value_has_no_interval() -> None:
    assert not statistics.mean([0.9]).known
    assert not statistics.bootstrap([0.9]).known
    assert math.isnan(statistics.mean([]).value)


def test_missing_values_are_left_out() -> None:
    assert statistics.mean([0.9, math.nan, 0.7]).n == 2


def test_bootstrap_agrees_with_scipy() -> None:
    ours = statistics.bootstrap(A)
    theirs = stats.bootstrap((A,), np.mean, method="percentile", n_resamples=20_000, rng=1).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.002)
    assert ours.high == pytest.approx(theirs.high, abs=0.002)
    assert statistics.bootstrap(A) == ours, "the same sample has the same interval"


def test_paired_difference_is_the_paired_t_test() -> None:
    ours, theirs = statistics.paired_difference(A, B), stats.ttest_rel(A, B)
    interval = theirs.confidence_interval()
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.estimate.low, ours.estimate.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_pairs_need_samples_of_one_length() -> None:
    with pytest.raises(ValueError, match="not 2 and 1"):
        statistics.paired_difference([1, 2], [1])


def test_welch_is_scipys() -> None:
    ours, theirs = statistics.welch(A, B[:3]), stats.ttest_ind(A, B[:3], equal_var=False)
    interval = theirs.confidence_interval()
    assert ours.p == pytest.approx(theirs.pvalue)
    assert (ours.estimate.low, ours.estimate.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_equal_samples_without_spread_are_told_apart_only_where_they_differ() -> None:
    assert statistics.welch([1, 1], [1, 1]).p == 1
    assert statistics.paired_difference([2, 2], [1, 1]).p == 0


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=6), st.integers(1, 6), st.booleans())
def test_best_of_n_is_the_mean_over_all_subsets(values: list[float], n: int, smallest: bool) -> None:
    found = statistics.best_of_n(values, n, smallest=smallest)
    if n > len(values):
        assert math.isnan(found)
    else:
        best = min if smallest else max
        assert found == pytest.approx(np.mean([best(subset) for subset in itertools.combinations(values, n)]))


def test_best_of_n_curve_rises_to_the_best() -> None:
    curve = statistics.best_of_n_curve(A)
    values = [estimate.value for estimate in curve.values()]
    assert list(curve) == [1, 2, 3, 4, 5]
    assert values == sorted(values)
    assert (values[0], values[-1]) == (pytest.approx(np.mean(A)), 0.95)
    assert all(estimate.low <= estimate.value <= estimate.high for estimate in curve.values())


def test_best_of_n_of_many_values_is_as_many_draws_say() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    draws = np.random.default_rng(1).choice(values, (20_000, 10)).max(axis=1)
    assert statistics.best_of_n(values, 10) == pytest.approx(draws.mean(), abs=0.03)
    assert statistics.best_weights(5000, 10).sum() == pytest.approx(1)


def test_kaplan_meier_is_scipys() -> None:
    times = [1, 2, 2, 3, 4, 4, 5, 6]
    reached = [True, True, False, True, False, True, True, False]
    ours = statistics.kaplan_meier(times, reached)
    exact = [time for time, hit in zip(times, reached, strict=True) if hit]
    censored = [time for time, hit in zip(times, reached, strict=True) if not hit]
    theirs = stats.ecdf(stats.CensoredData(uncensored=exact, right=censored)).sf
    interval = theirs.confidence_interval(method="log-log")
    np.testing.assert_allclose(ours.remaining, theirs.evaluate(ours.time))
    np.testing.assert_allclose(ours.low, interval.low.evaluate(ours.time))
    np.testing.assert_allclose(ours.high, interval.high.evaluate(ours.time))


def test_median_time_counts_those_that_never_got_there() -> None:
    assert statistics.median_time([1, 2, 3], [True, True, True]).value == 2
    assert statistics.median_time([1, 5, 5, 5], [True, False, False, False]).value == math.inf
    assert statistics.median_time([5, 5], [False, False]).value == math.inf
    assert statistics.median_time([1, 2, 5], [True, True, False]).value == 2


def test_the_remission_data_of_1963_by_hand() -> None:
    """Freireich and others, Blood 21 (1963), arm 6-MP: median remission 23 weeks."""
    times = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
    reached = [hit == "1" for hit in "111010100110001100000"]
    reached[3] = False
    curve = statistics.kaplan_meier(times, reached)
    assert curve.remaining[0] == pytest.approx(18 / 21)
    assert statistics.median_time(times, reached).value == 23


def test_seeds_needed_is_the_least_number_that_tells() -> None:
    needed = statistics.seeds_needed(0.01, 0.005)
    assert needed is not None

    def half(n: int) -> float:
        return float(stats.t.ppf(0.975, n - 1) * 0.01 / math.sqrt(n))

    assert half(needed) < 0.005 <= half(needed - 1)
    assert statistics.seeds_needed(0.01, 0.0) is None
    assert statistics.seeds_needed(1.0, 1e-6) is None
