from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis import statistics


@given(st.integers(1, 9), st.integers(0, 1000))
def test_interval_and_p_of_one_of_several_comparisons_belong_together(
    comparisons: int, seed: int
) -> None:
    values = np.random.default_rng(seed).normal(1.0, 1.0, 5)
    found = statistics.paired_difference(values, 0 * values, statistics.level_for(comparisons))
    assert found.estimate.excludes_zero == (found.p < 0.05)
    assert found.p == pytest.approx(min(1.0, comparisons * stats.ttest_1samp(values, 0.0).pvalue))
