"""What each setting does, as the tables of effects and interactions say it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from analysis.statistics import Difference
from analysis.tables.settings.effects import effects_table
from analysis.tables.settings.interactions import interactions_table

from ..coverage.scenarios import CROSSED, SWITCH, TWO_LEVELS, column
from ..coverage.worlds import World, lr, spec_of

ROLES = {"scientific": ["optimizer.name"], "nuisance": ["optimizer.lr"]}
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


def test_what_became_of_a_levels_points_stands_beside_it() -> None:
    world = World(spec_of(space=TWO_LEVELS))
    for number, rate in enumerate((0.1, 0.2, 0.3, 0.4)):
        world.whole(lr(rate, accumulation=1), [0.6 + 0.01 * number])
    for number, rate in enumerate((0.1, 0.2)):
        world.whole(lr(rate + 0.01, accumulation=2), [0.7 + 0.01 * number])
    for state in ("FAIL", "PRUNED"):
        point = world.point(lr(0.3 if state == "FAIL" else 0.5, accumulation=2))
        world.trial(point, 0, [0.2], state=state)
        world.tell(point, state)
    shown = effects_table(world.results, [SWITCH])
    assert column(shown, "points") == [4, 2]
    assert column(shown, "pruned") == [0.0, 0.25]
    assert column(shown, "failed") == [0.0, 0.25]
    assert any("failed" in note for note in shown.notes)


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


def test_comparisons_side_by_side_hold_together_by_one_adjustment() -> None:
    draw, world = (
        random.Random(2),
        World(spec_of(space=CROSSED, recipe={"epochs": 1, "model": "small_cnn"})),
    )
    for _ in range(6):
        for level in (1, 2):
            for norm in ("none", "every_conv"):
                values = lr(draw.uniform(0.01, 0.9), **{SWITCH: level, "model.norm": norm})
                world.whole(values, [0.6 + 0.02 * (level - 1) + draw.gauss(0, 0.01)])
    shown = effects_table(world.results)
    single, together = (column(shown, name)[1] for name in ("difference", "all together"))
    assert isinstance(together, Difference)
    assert together.estimate.value == single.value
    assert together.estimate.low < single.low < single.high < together.estimate.high
    assert together.estimate.excludes_zero == (together.p < 0.05)


def method_study(points: int, fresh: int) -> World:
    confirm = {"confirm": {"top": 1, "replicates": fresh}} if fresh else {}
    world = World(
        spec_of(space=BRANCHES, roles=ROLES, mode="method-study", points=2 * points, **confirm)
    )
    for number in range(points):
        world.whole(branch("sgd", 0.01 * (number + 1)), [0.6 + 0.01 * number])
        world.whole(branch("adam", 0.011 * (number + 1)), [0.62 + 0.01 * number])
    return world


def test_in_a_method_study_winners_meet_on_common_fresh_seeds() -> None:
    world = method_study(4, 3)
    world.confirm(6, [0.61, 0.62, 0.66])
    world.confirm(7, [0.64, 0.63, 0.68])
    shown = effects_table(world.results, ["optimizer.name"])
    assert column(shown, "compared over")[1] == "winners (points 7 and 6) on 3 fresh seeds"
    assert column(shown, "difference")[1].value == pytest.approx(0.02)
    assert column(shown, "difference")[1].known


def test_without_fresh_seeds_a_method_study_compares_what_equal_budgets_found() -> None:
    shown = effects_table(method_study(4, 0).results, ["optimizer.name"])
    assert column(shown, "compared over")[1] == "expected best of 1 points"
    found = column(shown, "difference")[1]
    assert found.value == pytest.approx(0.02)
    assert found.known


def test_a_level_of_which_no_point_is_complete_is_shown_without_figures() -> None:
    world = World(spec_of(space=TWO_LEVELS))
    world.whole(lr(0.1, accumulation=1), [0.6])
    point = world.point(lr(0.2, accumulation=2))
    world.trial(point, 0, [0.2], state="FAIL")
    world.tell(point, "FAIL")
    shown = effects_table(world.results, [SWITCH])
    assert column(shown, "points") == [1, 0]
    assert column(shown, "difference") == [None, None]
    rows = json.loads(shown.json())["rows"]
    assert {
        "setting",
        "level",
        "points",
        "difference",
        "difference_low",
        "difference_high",
    } <= rows[1].keys()
    assert rows[1]["difference_low"] is None
    assert "nan" not in shown.json().lower()


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
