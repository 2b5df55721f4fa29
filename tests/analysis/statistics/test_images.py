from __future__ import annotations

import pytest
from scipy import stats

from analysis import statistics

A = [0.91, 0.93, 0.90, 0.95, 0.92]


def ends(estimate: statistics.Estimate) -> tuple[float, float]:
    return estimate.low, estimate.high


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
