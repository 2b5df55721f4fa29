from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis import statistics
from analysis.statistics.expected_best import leave_one_out

A = [0.91, 0.93, 0.90, 0.95, 0.92]
B = [0.89, 0.92, 0.88, 0.94, 0.93]


def ends(estimate: statistics.Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=6), st.integers(1, 6), st.booleans())
def test_best_of_n_is_the_mean_over_all_subsets(
    values: list[float], n: int, smallest: bool
) -> None:
    found = statistics.expected_best(values, n, smallest=smallest)
    if n > len(values):
        assert math.isnan(found)
    else:
        best = min if smallest else max
        assert found == pytest.approx(
            np.mean([best(subset) for subset in itertools.combinations(values, n)])
        )


def test_best_of_n_curve_rises_to_the_best_with_intervals_up_to_a_quarter() -> None:
    curve = statistics.expected_best_curve([*A, *B])
    values = [estimate.value for estimate in curve.values()]
    assert list(curve) == list(range(1, 11))
    assert values == sorted(values)
    assert (values[0], values[-1]) == (pytest.approx(np.mean([*A, *B])), 0.95)
    assert [n for n, estimate in curve.items() if estimate.known] == [1, 2]
    assert ends(curve[1]) == pytest.approx(ends(statistics.mean([*A, *B])))


@given(st.lists(st.floats(-10, 10), min_size=3, max_size=9), st.integers(1, 2))
def test_leaving_one_out_is_the_same_without_each_value(values: list[float], n: int) -> None:
    ordered = np.sort(values)[::-1]
    slowly = [statistics.expected_best(np.delete(ordered, i), n) for i in range(len(ordered))]
    assert leave_one_out(ordered, n) == pytest.approx(np.array(slowly))


def test_best_of_n_of_many_values_is_as_many_draws_say() -> None:
    values = np.random.default_rng(0).normal(size=5000)
    draws = np.random.default_rng(1).choice(values, (20_000, 10)).max(axis=1)
    assert statistics.expected_best(values, 10) == pytest.approx(draws.mean(), abs=0.03)
    assert statistics.expected_best_curve(values, [10])[10].known


@pytest.mark.parametrize(
    ("total", "n", "truth"), [(6, 3, 0.8463), (12, 6, 1.2672), (12, 12, 1.6292), (30, 10, 1.5388)]
)
def test_the_expected_best_of_n_is_unbiased(total: int, n: int, truth: float) -> None:
    """The truth: the expected largest of n standard normal values (Harter 1961)."""
    samples = np.random.default_rng(0).normal(size=(4000, total))
    found = np.array([statistics.expected_best(sample, n) for sample in samples])
    assert abs(found.mean() - truth) < 3 * found.std() / math.sqrt(len(found))


def test_the_expected_best_of_two_samples_is_compared_at_a_quarter_of_the_smaller() -> None:
    found = statistics.expected_best_difference([*A, *B], [*B, *B])
    assert (statistics.comparable_count([*A, *B], [*B, *B]), found.estimate.n) == (2, 2)
    assert found.estimate.value == pytest.approx(
        statistics.expected_best([*A, *B], 2) - statistics.expected_best([*B, *B], 2)
    )
    assert found.estimate.excludes_zero == (found.p < 0.05)


def test_the_expected_best_of_one_value_is_the_mean_and_compared_like_it() -> None:
    found, welch = statistics.expected_best_difference(A, B), statistics.welch(A, B)
    assert ends(found.estimate) == pytest.approx(ends(welch.estimate))
    assert statistics.expected_best_difference([0.1, 0.2, 0.15, 0.12], A).p < 0.001
    assert not statistics.expected_best_difference([0.9], A).estimate.known
    assert not statistics.expected_best_difference([0.9, 0.9], [0.8, 0.8]).estimate.known
