"""The recipe's defaults as tables: recorded, and put under what is written."""

from __future__ import annotations

from study.training.recipe.defaults import DefaultedRecipes, current_defaults, with_defaults
from study.training.recipe.recipe import Recipe, parse_recipe


def test_tables_are_recorded_for_the_forms_that_a_study_names() -> None:
    tables = current_defaults([("optimizer.name", "sgd"), ("optimizer.name", "nothing")])
    assert tables["optimizer.sgd"]["lr"] == 0.1
    assert "optimizer.adamw" in tables  # what a recipe has where it names none
    assert "optimizer.adam" not in tables
    assert tables["recipe"]["epochs"] == 10


def test_recorded_defaults_make_the_same_recipe_as_those_in_force() -> None:
    tables = current_defaults([("optimizer.name", "sgd"), ("model.name", "vgg16")])
    for tree in ({}, {"optimizer": "sgd"}, {"model": "vgg16", "steps": 5}):
        assert parse_recipe(with_defaults(tree, tables))[0] == Recipe.model_validate(tree)


def test_older_defaults_win_over_those_in_force_and_what_is_written_over_both() -> None:
    older = {"recipe": {"epochs": 3}, "optimizer.sgd": {"lr": 0.7, "momentum": 0.5}}
    recipe, faults = DefaultedRecipes(older).parse_recipe(
        {"optimizer": {"name": "sgd", "momentum": 0.9}}
    )
    assert faults == []
    assert recipe is not None
    assert (recipe.optimizer.lr, recipe.epochs) == (0.7, 3)
    assert recipe.optimizer.momentum == 0.9


def test_a_length_of_any_kind_takes_the_place_of_the_default_one() -> None:
    assert with_defaults({"steps": 5}, {"recipe": {"epochs": 3}}) == {"steps": 5}
    assert with_defaults({"steps": 5}, {}) == {"steps": 5}
