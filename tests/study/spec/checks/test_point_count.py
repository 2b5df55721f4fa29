"""How many points a study proposes."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import SpecError
from study.spec.load import load_spec, spec_from_tree

from ..studies import small


def test_a_grid_has_its_own_number_of_points() -> None:
    space = {"epochs": {"int": [1, 3]}, "precision": {"choice": ["fp32", "bf16"]}}
    first = [{"set": {"epochs": 2, "precision": "bf16"}}, {"set": {"epochs": 9}}]
    tree = {"study": "s", "sampler": "grid", "space": space}
    assert spec_from_tree(tree).points == 6
    assert spec_from_tree(tree | {"first": first}).points == 7
    limited = spec_from_tree(tree | {"points": 50})
    assert limited.points == 6
    assert limited.notes == (
        "points: 6 of the 50 are used, since there are no more with sampler grid",
    )
    assert spec_from_tree(tree | {"points": 4}).points == 4


def test_a_list_of_points_has_as_many_as_entries() -> None:
    tree = {
        "study": "s",
        "sampler": "first-only",
        "first": [{"set": {"epochs": 1}}, {"set": {"epochs": 2}}],
    }
    assert spec_from_tree(tree).points == 2
    assert spec_from_tree(tree | {"points": 1}).points == 1


def test_a_method_study_gives_every_level_the_same_number_of_points(example: Path) -> None:
    spec = load_spec(example)
    assert len(spec.levels()) == 6
    assert spec.points == 36
    assert spec.notes == ("points: 36 of the 40 are used, so that each level has equally many",)
    assert spec.level_of(spec.first_values(0)) == 1


def test_entries_in_no_level_come_on_top_of_the_levels_budgets() -> None:
    roles = {"scientific": ["precision"]}
    space = {"optimizer": {"lr": {"log": [1e-3, 1]}}, "precision": {"choice": ["fp32", "bf16"]}}
    first = [{"set": {"precision": "fp16"}}, {"set": {"precision": "bf16"}}]
    spec = spec_from_tree(
        small(points=6, roles=roles, mode="method-study", space=space, first=first)
    )
    assert spec.level_of(spec.first_values(0)) is None
    assert spec.points == 5


def test_a_grid_has_the_points_that_the_rules_allow() -> None:
    space = {"epochs": {"int": [1, 4]}, "precision": {"choice": ["fp32", "bf16"]}}
    rules = ["precision == 'fp32' or epochs < 3"]
    tree = {"study": "s", "sampler": "grid", "space": space, "require": rules}
    assert spec_from_tree(tree).points == 6
    assert spec_from_tree(tree | {"points": 3}).points == 3
    compared = {"mode": "method-study", "roles": {"scientific": ["precision"]}}
    with pytest.raises(SpecError, match=r"levels with 3 \| 2 points"):
        spec_from_tree(tree | compared | {"points": 6})
