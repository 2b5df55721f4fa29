"""What each setting does, as the tables of effects and interactions say it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from analysis.results import load
from analysis.statistics import Difference, Estimate
from analysis.tables.settings.effects import effects_table

from ...coverage.scenarios import CROSSED, SWITCH, TWO_LEVELS, column
from ...coverage.worlds import World, lr, spec_of

ROLES = {"scientific": ["optimizer.name"], "nuisance": ["optimizer.lr"]}


BRANCHES = {"optimizer": {"one_of": {name: {"lr": {"log": [1e-3, 1]}} for name in ("sgd", "adam")}}}


def branch(name: str, rate: float) -> dict[str, Any]:
    return {"optimizer.name": name, "optimizer.lr": rate}


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


def value(cell: Estimate | Difference) -> float:
    return cell.estimate.value if isinstance(cell, Difference) else cell.value


def test_effects_pair_points_that_agree_in_all_else(make: Any) -> None:
    study, draw = make(), random.Random(1)
    for rate, more in ((1e-4, 0.001), (1e-3, -0.001), (3e-3, 0.002), (1e-2, -0.002)):
        base = 0.8 + draw.gauss(0, 0.05)
        for accumulation, gain in ((1, 0.0), (2, 0.02 + more)):
            values = {"optimizer.name": "adam", "optimizer.lr": rate, "accumulation": accumulation}
            study.complete_point(values, [base + gain, base + gain + 0.01])
    shown = effects_table(load(study.paths), ["accumulation"])
    assert column(shown, "pairs") == [None, 4]
    found = column(shown, "difference")[1]
    assert found.value == pytest.approx(0.02)
    assert 0.016 < found.low < 0.018, "pairing removes what lr does: Student over four differences"
    assert column(shown, "compared over")[1] == "4 pairs"
    assert value(column(shown, "ratio of epoch seconds")[1]) == pytest.approx(1)


def test_effects_without_pairs_say_so(large: Callable[[int], Any]) -> None:
    shown = effects_table(load(large(12).paths), ["accumulation"])
    assert column(shown, "pairs") == [None, 0]
    assert column(shown, "compared over") == [None, "12 points"]
    assert any(note.startswith("points: ") for note in shown.notes)


def test_where_ranges_alone_vary_another_table_is_named() -> None:
    world = World(spec_of())
    for rate in (0.1, 0.2, 0.3):
        world.whole(lr(rate), [rate])
    shown = effects_table(world.results)
    assert not shown.rows
    (note,) = shown.notes
    assert note.startswith("No setting has levels to compare")
