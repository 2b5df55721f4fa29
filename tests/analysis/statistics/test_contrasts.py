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
