from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from analysis import statistics

A = [0.91, 0.93, 0.90, 0.95, 0.92]
B = [0.89, 0.92, 0.88, 0.94, 0.93]


def ends(estimate: statistics.Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


def test_mean_has_students_interval() -> None:
    estimate = statistics.mean(A)
    assert ends(estimate) == pytest.approx(
        stats.t.interval(0.95, 4, loc=np.mean(A), scale=stats.sem(A))
    )
    assert estimate.n == 5


@pytest.mark.parametrize("values", [[], [0.9], [0.9, 0.9], [0.1 + 0.2, 0.3, 0.3]])
def test_what_says_nothing_of_its_spread_has_no_interval(values: list[float]) -> None:
    estimate = statistics.mean(values)
    assert not estimate.known
    assert (
        estimate.value == pytest.approx(np.mean(values)) if values else math.isnan(estimate.value)
    )


def test_missing_values_are_left_out() -> None:
    assert statistics.mean([0.9, math.nan, 0.7]).n == 2


def test_paired_difference_is_the_paired_t_test() -> None:
    ours, theirs = statistics.paired_difference(A, B), stats.ttest_rel(A, B)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ends(ours.estimate) == pytest.approx(tuple(theirs.confidence_interval()))


def test_pairs_need_samples_of_one_length() -> None:
    with pytest.raises(ValueError, match="not 2 and 1"):
        statistics.paired_difference([1, 2], [1])


def test_pairs_that_differ_by_one_amount_tell_nothing_of_its_noise() -> None:
    found = statistics.paired_difference([0.91, 0.73, 0.65], [0.90, 0.72, 0.64])
    assert found.estimate.value == pytest.approx(0.01)
    assert not found.estimate.known
    assert math.isnan(found.p)


def test_welch_is_scipys() -> None:
    ours, theirs = statistics.welch(A, B), stats.ttest_ind(A, B, equal_var=False)
    assert ours.p == pytest.approx(theirs.pvalue)
    assert ends(ours.estimate) == pytest.approx(tuple(theirs.confidence_interval()))


def test_a_published_figure_is_one_more_run_and_the_interval_a_prediction() -> None:
    found = statistics.predicted_difference(A, 0.9)
    half = stats.t.ppf(0.975, 4) * np.std(A, ddof=1) * math.sqrt(1 + 1 / 5)
    assert ends(found) == pytest.approx((np.mean(A) - 0.9 - half, np.mean(A) - 0.9 + half))
    many = statistics.predicted_difference(A, 0.9, seeds=10**9)
    assert ends(many) == pytest.approx(
        tuple(end - 0.9 for end in ends(statistics.mean(A))), abs=1e-5
    )
    assert not statistics.predicted_difference([0.9], 0.9).known


def test_a_small_sample_beside_a_large_one_has_no_more_freedom_than_two_of_its_size() -> None:
    wide = statistics.welch([0.9, 0.92], [*A, *B])
    half = wide.estimate.high - wide.estimate.value
    error = math.sqrt(np.var([0.9, 0.92], ddof=1) / 2 + np.var([*A, *B], ddof=1) / 10)
    assert half == pytest.approx(stats.t.ppf(0.975, 2) * error)
