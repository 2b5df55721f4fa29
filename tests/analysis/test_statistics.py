from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import statistics
from analysis.statistics.expected_best import leave_one_out
from analysis.statistics.power import power

A = [0.91, 0.93, 0.90, 0.95, 0.92]
B = [0.89, 0.92, 0.88, 0.94, 0.93]


def ends(estimate: statistics.Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


# -- means -----------------------------------------------------------------------------


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


@given(st.integers(1, 9), st.integers(0, 1000))
def test_interval_and_p_of_one_of_several_comparisons_belong_together(
    comparisons: int, seed: int
) -> None:
    values = np.random.default_rng(seed).normal(1.0, 1.0, 5)
    found = statistics.paired_difference(values, 0 * values, statistics.level_for(comparisons))
    assert found.estimate.excludes_zero == (found.p < 0.05)
    assert found.p == pytest.approx(min(1.0, comparisons * stats.ttest_1samp(values, 0.0).pvalue))


def test_a_published_figure_is_one_more_run_and_the_interval_a_prediction() -> None:
    found = statistics.predicted_difference(A, 0.9)
    half = stats.t.ppf(0.975, 4) * np.std(A, ddof=1) * math.sqrt(1 + 1 / 5)
    assert ends(found) == pytest.approx((np.mean(A) - 0.9 - half, np.mean(A) - 0.9 + half))
    many = statistics.predicted_difference(A, 0.9, seeds=10**9)
    assert ends(many) == pytest.approx(
        tuple(end - 0.9 for end in ends(statistics.mean(A))), abs=1e-5
    )
    assert not statistics.predicted_difference([0.9], 0.9).known


# -- contrasts -------------------------------------------------------------------------


def arrays(*cells: list[float]) -> list[statistics.Array]:
    return [np.array(cell) for cell in cells]


def test_a_contrast_of_pairs_is_the_paired_t_test() -> None:
    found = statistics.estimate_contrast(
        [arrays([b], [a]) for a, b in zip(A, B, strict=True)], [-1, 1]
    )
    assert (found.unit, found.n) == ("pairs", 5)
    assert ends(found.estimate) == pytest.approx(ends(statistics.paired_difference(A, B).estimate))


def test_a_contrast_of_points_in_one_block_is_welchs() -> None:
    found = statistics.estimate_contrast([arrays(B[:3], A)], [-1, 1])
    assert (found.unit, found.n) == ("points", 8)
    assert found.difference.p == pytest.approx(statistics.welch(A, B[:3]).p)


def test_a_contrast_in_blocks_takes_each_cells_variance_within_its_blocks() -> None:
    draw = np.random.default_rng(3)
    blocks = [
        arrays(*(base + gain + draw.normal(0, 0.01, 4) for gain in (0.0, 0.02)))
        for base in (0.5, 0.7, 0.9)
    ]
    found = statistics.estimate_contrast(blocks, [-1, 1])
    parts = [np.mean([block[cell].var(ddof=1) for block in blocks]) / 12 for cell in (0, 1)]
    half = stats.t.ppf(0.975, sum(parts) ** 2 / sum(part**2 / 9 for part in parts)) * math.sqrt(
        sum(parts)
    )
    assert found.unit == "points in blocks"
    assert found.estimate.value == pytest.approx(
        np.mean([b[1].mean() - b[0].mean() for b in blocks])
    )
    assert found.estimate.high - found.estimate.value == pytest.approx(half)


def test_four_cells_make_an_interaction() -> None:
    found = statistics.estimate_contrast(
        [arrays([0.5], [0.6], [0.7], [0.95]), arrays([0.4], [0.5], [0.6], [0.8])], [1, -1, -1, 1]
    )
    assert found.estimate.value == pytest.approx((0.15 + 0.1) / 2)
    assert (found.unit, found.n) == ("pairs", 2)


@pytest.mark.parametrize("blocks", [[], [arrays([1.0], [2.0])], [arrays([1.0, 1.1], [2.0])]])
def test_a_contrast_that_knows_no_spread_of_some_cell_has_no_interval(
    blocks: list[list[statistics.Array]],
) -> None:
    assert not statistics.estimate_contrast(blocks, [-1, 1]).estimate.known


# -- budgets ---------------------------------------------------------------------------


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


def test_a_small_sample_beside_a_large_one_has_no_more_freedom_than_two_of_its_size() -> None:
    wide = statistics.welch([0.9, 0.92], [*A, *B])
    half = wide.estimate.high - wide.estimate.value
    error = math.sqrt(np.var([0.9, 0.92], ddof=1) / 2 + np.var([*A, *B], ddof=1) / 10)
    assert half == pytest.approx(stats.t.ppf(0.975, 2) * error)


# -- times, shares, images, seeds ------------------------------------------------------


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


def test_an_accuracy_of_equal_seeds_has_wilsons_interval_over_images() -> None:
    wilson = stats.binomtest(342, 360).proportion_ci(method="wilson")
    assert ends(statistics.mean_accuracy([0.95, 0.95, 0.95], 360)) == pytest.approx(
        (wilson.low, wilson.high)
    )


def test_an_accuracys_interval_is_wider_than_over_seeds_or_images_alone() -> None:
    seeds, images = statistics.mean(A), statistics.mean_accuracy([0.922] * 2, 360)
    both = statistics.mean_accuracy(A, 360)
    assert both.high - both.low > max(seeds.high - seeds.low, images.high - images.low)
    assert (
        0
        <= statistics.mean_accuracy([1.0, 0.99], 40).low
        < statistics.mean_accuracy([1.0, 0.99], 40).high
        <= 1
    )


@pytest.mark.parametrize("differences", [[0.02, 0.01, 0.025], [0.01, -0.005, 0.02, 0.0, 0.004]])
def test_seeds_needed_is_the_least_number_with_the_power(differences: list[float]) -> None:
    needed = statistics.seeds_needed(differences)
    effect = float(np.mean(differences) / np.std(differences, ddof=1))
    assert needed is not None
    assert (
        power(effect, int(needed.value), 0.95) >= 0.8 > power(effect, int(needed.value) - 1, 0.95)
    )
    assert needed.low <= needed.value <= needed.high


def test_power_is_as_simulated() -> None:
    values = np.random.default_rng(0).normal(1.0, 1.0, (20_000, 8))
    found = stats.ttest_1samp(values, 0.0, axis=1)
    assert power(1.0, 8, 0.95) == pytest.approx(
        ((found.pvalue < 0.05) & (found.statistic > 0)).mean(), abs=0.01
    )


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=12))
def test_seeds_needed_is_a_number_whatever_was_found(differences: list[float]) -> None:
    needed = statistics.seeds_needed(differences)
    assert needed is None or 2 <= needed.low <= needed.value <= needed.high


def test_what_never_could_be_told_needs_more_seeds_than_any() -> None:
    needed = statistics.seeds_needed([0.01, -0.01])
    assert needed is not None
    assert math.isinf(needed.value)
    assert statistics.seeds_needed([0.01]) is None
    assert statistics.seeds_needed([0.01, 0.01]) is None


def test_components_of_variance_by_hand() -> None:
    groups = [np.array([1.0, 3.0]), np.array([5.0, 7.0]), np.array([9.0, 11.0])]
    found = statistics.variance_components(groups)
    assert found.seeds == pytest.approx(math.sqrt(2))
    assert found.points == pytest.approx(math.sqrt((32 - 2) / 2))
    assert math.isnan(statistics.variance_components([np.array([1.0]), np.array([2.0])]).seeds)


def test_one_point_that_scatters_wildly_does_not_make_the_typical_one() -> None:
    draw = np.random.default_rng(0)
    groups = [draw.normal(0.5, 0.01, 3) for _ in range(2000)]
    assert statistics.variance_components(groups).typical_seeds == pytest.approx(0.01, rel=0.05)
    wild = [*groups[:20], np.array([0.0, 0.5, 1.0])]
    assert statistics.variance_components(wild).seeds > 0.1
    assert statistics.variance_components(wild).typical_seeds < 0.02


def test_components_of_variance_are_recovered() -> None:
    draw = np.random.default_rng(0)
    heights = draw.normal(0, 0.03, 4000)
    found = statistics.variance_components(
        [height + draw.normal(0, 0.01, 2 + i % 3) for i, height in enumerate(heights)]
    )
    assert (found.points, found.seeds) == pytest.approx((0.03, 0.01), rel=0.05)
