"""A point's recipe is a cell a field, or what was proposed where today's code refuses it."""

from __future__ import annotations

from study.journal.trials import Point
from study.results.recipe_cells import RecipeCells
from study.spec.load import spec_from_tree

SPEC = spec_from_tree(
    {
        "study": "cells",
        "objective": {"metric": "val_accuracy", "direction": "maximize"},
        "points": 1,
        "recipe": {"model": "mlp", "data": "digits", "epochs": 3},
        "space": {"optimizer": {"one_of": {"adam": {"lr": {"log": [1e-4, 1e-1]}}}}},
    }
)


def point(**values: object) -> Point:
    return Point(
        number=0,
        values={path.replace("__", "."): value for path, value in values.items()},
        origin="sampler",
        entry=None,
        level=None,
        epoch_cost=None,
        is_in_space=True,
        asked_at=0.0,
    )


def test_a_recipe_has_a_cell_for_each_field_and_none_for_the_seed() -> None:
    cells = RecipeCells(SPEC).of(point(optimizer__name="adam", optimizer__lr=0.01))
    assert (cells["optimizer.lr"], cells["model.name"], cells["recipe.epochs"]) == (0.01, "mlp", 3)
    assert "seed" not in cells


def test_a_retry_s_substitutions_are_in_its_cells_alone() -> None:
    recipes, proposed = RecipeCells(SPEC), point(optimizer__name="adam", optimizer__lr=0.01)
    changed = recipes.of(proposed, {"accumulation": 4})
    assert (changed["accumulation"], recipes.of(proposed)["accumulation"]) == (4, 1)
    assert recipes.of(proposed, {}) is recipes.of(proposed)


def test_a_recipe_that_is_refused_today_shows_what_was_proposed() -> None:
    cells = RecipeCells(SPEC).of(point(optimizer__name="none-such"), {"epochs": 5})
    assert cells == {"optimizer.name": "none-such", "recipe.epochs": 5}
