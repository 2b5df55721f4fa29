from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import statistics
from analysis.statistics.power import power


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
