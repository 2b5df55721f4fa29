"""Every field that any recipe can have is a column, of a type that holds all of its forms."""

from __future__ import annotations

import pytest

from study.results.columns import BOOL, INTEGER, NUMBER, TEXT
from study.results.recipe_columns import recipe_columns
from study.spec.kinds.built_in import recipe_column_name
from study.training.recipe.recipe import Recipe
from study.training.recipe.recipe_paths import flatten

COLUMNS = {column.name: column for column in recipe_columns()}


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "muon"])
def test_every_field_of_a_recipe_has_its_column(optimizer: str) -> None:
    recipe = Recipe.model_validate({"optimizer": {"name": optimizer}, "epochs": 3})
    fields = flatten(recipe).keys() - {"micro_batch_size"}
    assert {recipe_column_name(path) for path in fields} <= COLUMNS.keys()


def test_lengths_that_were_asked_for_are_not_those_that_were_done() -> None:
    assert recipe_column_name("epochs") == "recipe.epochs"
    assert "epochs" not in COLUMNS
    assert recipe_column_name("optimizer.lr") == "optimizer.lr"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("optimizer.lr", NUMBER),
        ("optimizer.name", TEXT),
        ("optimizer.nesterov", BOOL),
        ("data.batch_size", INTEGER),
        ("recipe.epochs", INTEGER),
        ("model.options", TEXT),
    ],
)
def test_a_column_s_type_is_that_of_the_field(name: str, expected: object) -> None:
    assert COLUMNS[name].type == expected
