from __future__ import annotations

import random
from typing import Any

import pytest

from analysis.results import load
from analysis.statistics import Difference, Estimate
from analysis.tables.settings.interactions import interactions_table

from ...coverage.scenarios import CROSSED, SWITCH, column
from ...coverage.worlds import World, lr, spec_of


def test_interactions_need_all_four_combinations() -> None:
    world = World(spec_of(space=CROSSED, recipe={"epochs": 1, "model": "small_cnn"}))
    draw = random.Random(3)
    for level, norm in ((1, "none"), (1, "every_conv"), (2, "none")):
        for _ in range(3):
            world.whole(
                lr(draw.uniform(0.01, 0.9), **{SWITCH: level, "model.norm": norm}),
                [draw.uniform(0.5, 0.6)],
            )
    shown = interactions_table(world.results)
    assert not shown.rows
    assert "No two settings are crossed" in shown.notes[0]


def value(cell: Estimate | Difference) -> float:
    return cell.estimate.value if isinstance(cell, Difference) else cell.value


def test_an_interaction_is_a_difference_of_differences(make: Any) -> None:
    study = make(spec=FACTORIAL)
    for norm, accumulation, accuracy in (
        ("none", 1, 0.5),
        ("none", 2, 0.6),
        ("every_conv", 1, 0.7),
    ):
        study.complete_point(
            {"model.norm": norm, "accumulation": accumulation}, [accuracy, accuracy + 0.01]
        )
    study.complete_point({"model.norm": "every_conv", "accumulation": 2}, [0.95, 0.96])
    shown = interactions_table(load(study.paths), "model.norm", "accumulation")
    assert value(column(shown, "interaction")[-1]) == pytest.approx(0.95 - 0.7 - 0.6 + 0.5)


FACTORIAL = """\
study: digits-momentum
points: 4
recipe: {epochs: 3}
space:
  model: {norm: {choice: [none, every_conv]}}
  accumulation: {choice: [1, 2]}
sampler: grid
"""


def test_cells_that_add_up_exactly_have_no_interval_of_rounding() -> None:
    world = World(
        spec_of(
            space={k: v for k, v in CROSSED.items() if k != "optimizer"},
            recipe={"epochs": 1, "model": "small_cnn"},
            replicates=5,
        )
    )
    seeds = [0.601, 0.613, 0.627, 0.639, 0.646]
    for level in (1, 2):
        for norm, more in (("none", 0.0), ("every_conv", 0.07)):
            heights = [seed + 0.031 * level + more for seed in seeds]
            world.whole({SWITCH: level, "model.norm": norm}, heights)
    (found,) = column(interactions_table(world.results, SWITCH, "model.norm"), "interaction")[-1:]
    estimate = found.estimate if isinstance(found, Difference) else found
    assert estimate.value == pytest.approx(0.0, abs=1e-12)
    assert not estimate.known
