from __future__ import annotations

import math

import pytest

from analysis.tables.settings.level_effect import early_effect, level_effect, level_ratio

from ...coverage.scenarios import SWITCH, TWO_LEVELS
from ...coverage.worlds import World, lr, spec_of


def paired(gain: float) -> World:
    """Three pairs of points that differ in the switch alone."""
    world = World(spec_of(space=TWO_LEVELS))
    for rate, shift in ((0.1, 0.01), (0.2, -0.01), (0.3, 0.0)):
        for level, more in ((1, 0.0), (2, gain + shift)):
            world.whole(lr(rate, **{SWITCH: level}), [0.5 + more])
    return world


def test_a_level_is_compared_with_the_first_one_over_pairs() -> None:
    effect = level_effect(paired(0.1).results, SWITCH, 1, 2, 4)
    assert (effect.by, effect.pairs) == ("3 pairs", 3)
    assert effect.single.estimate.value == pytest.approx(0.1)
    together, single = effect.together.estimate, effect.single.estimate
    assert together.low < single.low < single.high < together.high
    assert effect.together.p == pytest.approx(4 * effect.single.p)


def test_a_ratio_is_a_geometric_mean() -> None:
    results = paired(0.1).results
    is_second = results.trials[SWITCH] == 2
    results.trials["steady_epoch_seconds"] = is_second.map({False: 2.0, True: 3.0})
    found = level_ratio(results, "steady_epoch_seconds", SWITCH, 1, 2)
    assert found is not None
    assert found.value == pytest.approx(1.5)
    results.trials["steady_epoch_seconds"] = math.nan
    assert level_ratio(results, "steady_epoch_seconds", SWITCH, 1, 2) is None


def test_without_pruning_there_is_no_early_comparison() -> None:
    assert early_effect(paired(0.1).results, SWITCH, 1, 2, epoch=0) is None
