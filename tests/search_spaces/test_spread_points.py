"""Points spread over a space: choices in turn, ranges evenly, in any branch."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import pytest

from search_spaces.space import Space
from search_spaces.spread_points import spread_points
from study.spec.load import spec_from_tree

BRANCHES: dict[str, Any] = {
    "optimizer": {
        "one_of": {
            "sgd": {"lr": {"log": [1e-3, 1]}, "momentum": {"uniform": [0, 0.9]}},
            "adamw": {"lr": {"log": [1e-5, 1e-2]}},
        }
    }
}


def space_of(tree: dict[str, Any]) -> Space:
    return spec_from_tree({"study": "s", "points": 9, "space": tree}).space


def first(count: int, tree: dict[str, Any], seed: str = "0/0") -> list[dict[str, Any]]:
    return list(islice(spread_points(space_of(tree), seed), count))


@pytest.mark.parametrize("seed", ["0/0", "0/1", "7/0"])
def test_branches_take_turns(seed: str) -> None:
    names = [point["optimizer.name"] for point in first(10, BRANCHES, seed)]
    assert set(names[:2]) == {"sgd", "adamw"}
    assert names == names[:2] * 5


@pytest.mark.parametrize("seed", ["0/0", "0/1", "7/0"])
def test_the_first_points_of_a_branch_cover_its_ranges(seed: str) -> None:
    points = [p for p in first(16, BRANCHES, seed) if p["optimizer.name"] == "sgd"]
    eighths = sorted(int(8 * (math.log10(point["optimizer.lr"]) + 3) / 3) for point in points)
    assert eighths == list(range(8))
    assert sorted(int(8 * point["optimizer.momentum"] / 0.9) for point in points) == eighths


def test_two_choices_come_to_all_their_combinations() -> None:
    tree = {
        "model": {"norm": {"choice": ["none", "every_conv"]}},
        "accumulation": {"choice": [1, 2, 4, 8]},
        "precision": {"choice": ["fp32", "bf16"]},
    }
    points = [tuple(point.values()) for point in first(16, tree)]
    assert len(set(points)) == 16
    assert [points[n][0] for n in range(4)] == [points[0][0], points[1][0]] * 2
    assert len({point[1] for point in points[:4]}) == 4


def test_steps_and_integers_stay_within_their_bounds_and_are_all_met() -> None:
    tree = {
        "epochs": {"int": [3, 6]},
        "loss": {"label_smoothing": {"uniform": [0, 0.3], "step": 0.1}},
        "data": {"batch_size": {"log_int": [16, 64]}},
    }
    points = first(64, tree)
    assert {point["epochs"] for point in points} == {3, 4, 5, 6}
    assert {point["loss.label_smoothing"] for point in points} == {0.0, 0.1, 0.2, 0.3}
    sizes = [point["data.batch_size"] for point in points]
    assert 16 <= min(sizes) < 20
    assert 54 < max(sizes) <= 64
    space = space_of(tree)
    assert all(space.params_of(point) is not None for point in points)


def test_another_seed_gives_other_points_and_the_same_one_the_same() -> None:
    assert first(5, BRANCHES) == first(5, BRANCHES)
    rates = [point["optimizer.lr"] for point in first(5, BRANCHES)]
    assert rates != [point["optimizer.lr"] for point in first(5, BRANCHES, "1/0")]
