from __future__ import annotations

from typing import Any

import pytest

from analysis.report.summary import answer_sentences
from analysis.results import load
from analysis.selection.factors import (
    factors_of,
    has_level,
    is_of_branch,
    is_tuned_apart,
    level_text,
    levels_of,
    may_be_null,
    scientific_factor,
)
from analysis.tables.points.best_of_n import drawn_values
from analysis.tables.settings.effects import effects_table

from ..coverage.scenarios import column
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


LENGTHS: dict[str, Any] = {
    "optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}},
    "epochs": {"choice": [2, 4]},
}


def test_a_length_is_a_factor_by_its_column() -> None:
    world = World(spec_of(space=LENGTHS, roles={"scientific": ["epochs"]}))
    for number in range(6):
        world.whole(lr(0.1 + 0.1 * number, epochs=2 + 2 * (number % 2)), [0.5 + 0.01 * number])
    results = world.results
    assert scientific_factor(results) == "recipe.epochs"
    assert factors_of(results)[0] == "recipe.epochs"
    assert [level for level, _ in drawn_values(results).items()] == ["2", "4"]
    assert "by recipe.epochs is" in " ".join(answer_sentences(results))


OR_NULL: dict[str, Any] = {
    "optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}}},
    "data": {"train_images": {"choice": [None, 500]}},
}


def test_a_choice_of_null_is_a_level_as_any_other() -> None:
    factor = "data.train_images"
    world = World(spec_of(space=OR_NULL, roles={"scientific": [factor]}))
    for number in range(8):
        images = None if number % 2 else 500
        height = 0.80 if images is None else 0.75
        world.whole(lr(0.1 + 0.1 * number, **{factor: images}), [height + 0.001 * number])
    results = world.results
    assert factors_of(results) == [factor]
    levels = levels_of(results, results.points, factor)
    assert [level_text(level) for level in levels] == ["null", "500"]
    assert [int(has_level(results.points, factor, level).sum()) for level in levels] == [4, 4]
    shown = effects_table(results)
    assert column(shown, "difference")[1].value == pytest.approx(-0.051)
    assert set(drawn_values(results)) == {"null", "500"}


def test_an_empty_setting_of_another_branch_is_no_level(mixed: Any) -> None:
    results = load(mixed.paths)
    assert results.points["optimizer.momentum"].isna().any()
    assert not may_be_null(results, "optimizer.momentum")
