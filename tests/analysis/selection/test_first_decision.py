from __future__ import annotations

import random
from typing import get_args

import pytest

from analysis.tables.settings.effects import effects_table
from study.spec.pruners import AnyPruner, Asha, Pasha, PrunerChoice

from ..coverage.scenarios import SWITCH, TWO_LEVELS, column
from ..coverage.worlds import World, lr, spec_of


def test_at_the_pruners_first_decision_every_point_is_compared() -> None:
    """Accumulation 2 is worse by 0.1 from the start, so the pruner leaves its lucky points, which
    look no worse.
    """
    pruner = {"name": "asha", "min_epochs": 2, "reduction": 2}
    world = World(spec_of(space=TWO_LEVELS, pruner=pruner, recipe={"epochs": 4}))
    draw = random.Random(1)
    for number in range(20):
        level, noise = 1 + number % 2, draw.gauss(0, 0.01)
        height = 0.6 - 0.1 * (level - 1) + noise
        point = world.point(lr(draw.uniform(0.01, 0.9), accumulation=level))
        survives = level == 1 or noise > 0.01
        rows = [height * share for share in (0.5, 0.7, 0.9, 1.0)[: 4 if survives else 2]]
        world.trial(point, 0, rows, "COMPLETE" if survives else "PRUNED")
        world.tell(point, *(("COMPLETE", rows[-1]) if survives else ("PRUNED", None)))
    shown = effects_table(world.results, [SWITCH])
    found = column(shown, "difference at epoch 2")[1]
    assert found.value == pytest.approx(-0.07, abs=0.01)
    assert found.high < -0.05


@pytest.mark.parametrize("choice", get_args(get_args(AnyPruner)[0]))
def test_every_pruner_says_when_it_first_decides(choice: type[PrunerChoice]) -> None:
    epoch = choice().first_decision
    assert epoch == 0 if choice.__name__ in ("NoPruning", "Auto") else epoch >= 1


def test_a_pruner_that_sets_aside_at_its_first_rung_decides_there() -> None:
    assert Pasha(min_epochs=3).first_decision == Asha(min_epochs=3).first_decision == 3
