from __future__ import annotations

import math

import numpy as np
import pytest

from analysis import statistics


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
