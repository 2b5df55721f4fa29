from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special

from analysis.statistics.student import student_quantile, student_tail

FREEDOMS = [1, 1.5, 2, 3, 4.7, 10, 60, 319, 321, 1000, 9000, 9999, 10_001, 1e5, 1e8, 1e20, 1e200]
SHARES = [0.55, 0.75, 0.9, 0.95, 0.975, 0.995, 0.9999, 1 - 1e-7, 0.4, 0.05, 0.001]


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_quantiles_are_scipys(freedom: float) -> None:
    ours = [student_quantile(share, freedom) for share in SHARES]
    assert ours == pytest.approx(special.stdtrit(freedom, SHARES), rel=1e-12, abs=0)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_tails_are_scipys(freedom: float) -> None:
    values = np.concatenate([np.linspace(-6, 6, 61), np.geomspace(6, 35, 20)])
    ours = [student_tail(value, freedom) for value in values.tolist()]
    assert ours == pytest.approx(special.stdtr(freedom, -values), rel=1e-12, abs=0)


def test_infinitely_many_degrees_are_the_normal_law() -> None:
    assert student_quantile(0.975, math.inf) == pytest.approx(special.ndtri(0.975), rel=1e-14)
    assert student_tail(1.96, math.inf) == pytest.approx(special.ndtr(-1.96), rel=1e-14)


def test_one_degree_is_cauchys_law_however_far_out() -> None:
    for value in (1e-3, 1.0, 1e8, 1e100):
        assert student_tail(value, 1) == pytest.approx(math.atan2(1, value) / math.pi, rel=1e-13)
    for above in (0.49, 1e-3, 1e-12):
        expected = 1 / math.tan(math.pi * above)
        assert student_quantile(1 - above, 1) == pytest.approx(expected, rel=1e-4)


def test_the_ends_and_the_middle_are_exact() -> None:
    assert student_quantile(0.5, 3) == 0.0
    assert student_quantile(1.0, 3) == math.inf
    assert student_quantile(0.0, 3) == -math.inf
    assert (student_tail(0.0, 3), student_tail(math.inf, 3)) == (0.5, 0.0)
    assert student_tail(-math.inf, 3) == 1.0
