from __future__ import annotations

from typing import Any

from analysis.results import load
from analysis.selection.factors import (
    factors_of,
    has_level,
    is_of_branch,
    is_tuned_apart,
    level_text,
    levels_of,
    scientific_factor,
)

from ..coverage.worlds import World, lr, spec_of


def test_factors_are_the_settings_of_few_levels_the_scientific_one_first(mixed: Any) -> None:
    results = load(mixed.paths)
    assert factors_of(results) == ["optimizer.name", "accumulation"]
    assert scientific_factor(results) == "optimizer.name"
    assert not is_tuned_apart(results, "optimizer.name"), "that takes a method study"


def test_levels_come_in_the_study_files_order(mixed: Any) -> None:
    results = load(mixed.paths)
    assert levels_of(results, results.points, "optimizer.name") == ["sgd", "adam"]
    points = results.points[has_level(results.points, "optimizer.name", "adam")]
    assert list(points["point"]) == [0, 4, 5]
    assert levels_of(results, points, "optimizer.name") == ["adam"]
    assert level_text(results.points["accumulation"].iloc[0]) == "1"


def test_a_branchs_own_setting_is_known_as_such(mixed: Any) -> None:
    results = load(mixed.paths)
    assert is_of_branch(results, "optimizer.momentum", "optimizer.name")
    assert not is_of_branch(results, "accumulation", "optimizer.name")


def test_a_study_without_roles_has_no_scientific_factor() -> None:
    world = World(spec_of())
    world.whole(lr(0.1), [0.5])
    assert scientific_factor(world.results) == ""
