from __future__ import annotations

import random
from typing import Any

from analysis.tables.settings.effects import effects_table

from ..coverage.scenarios import SWITCH, TWO_LEVELS, column
from ..coverage.worlds import World, lr, spec_of

BRANCHES = {"optimizer": {"one_of": {name: {"lr": {"log": [1e-3, 1]}} for name in ("sgd", "adam")}}}


def branch(name: str, rate: float) -> dict[str, Any]:
    return {"optimizer.name": name, "optimizer.lr": rate}


def test_the_seeds_of_a_point_are_averaged_before_points_are_compared() -> None:
    draw, world = random.Random(0), World(spec_of(space=TWO_LEVELS, replicates=3))
    for level in (1, 2):
        for _ in range(4):
            height = 0.6 + draw.gauss(0, 0.05)
            world.whole(
                lr(draw.uniform(0.01, 0.9), accumulation=level),
                [height + draw.gauss(0, 1e-4) for _ in range(3)],
            )
    shown = effects_table(world.results, [SWITCH])
    assert column(shown, "compared over") == [None, "8 points"]
    found = column(shown, "difference")[1]
    assert found.high - found.low > 0.1, "24 trials would make it four times narrower"


def test_points_in_blocks_of_another_setting_are_no_pairs() -> None:
    draw, world = random.Random(0), World(spec_of(space={**BRANCHES, SWITCH: {"choice": [1, 2]}}))
    for name in ("sgd", "adam"):
        for level in (1, 2):
            for _ in range(5):
                world.whole(
                    {**branch(name, draw.uniform(0.01, 0.9)), SWITCH: level},
                    [0.6 + draw.gauss(0, 0.01)],
                )
    shown = effects_table(world.results, ["optimizer.name"])
    assert column(shown, "pairs")[1] == 0
    assert column(shown, "compared over")[1] == "20 points in blocks"
