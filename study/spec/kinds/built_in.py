"""The built-in training: what a recipe fixes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from search_spaces.validation import Fault
from search_spaces.values import Scalar, Value
from study.spec.kinds.kind import Tree
from study.training.recipe import recipe as recipes
from study.training.recipe import recipe_paths
from study.training.recipe.defaults import DefaultedRecipes, current_defaults, with_defaults
from study.training.recipe.model_catalog import family_of
from study.training.recipe.recipe import OPEN_MAPPINGS, Recipe
from study.training.recipe.schedules import NEEDS_LENGTH
from study.validation.section import is_factory_name

_NAMELESS = "seed"
"""A value of a recipe that isn't the point's: it is the number of the replicate."""


@dataclass(frozen=True)
class RecipeTraining:
    """The training of a recipe, whose own seed has nothing to say."""

    recipe: Recipe

    @property
    def subject(self) -> Recipe:
        """The recipe."""
        return self.recipe

    @property
    def length(self) -> int | None:
        """None where the recipe's length isn't in epochs."""
        return self.recipe.epochs

    @property
    def bound_to_length(self) -> str:
        """A schedule that spans the whole training."""
        name = self.recipe.schedule.name
        spans_it = name in NEEDS_LENGTH or is_factory_name(name)
        return f"the schedule {name}" if spans_it else ""

    def tree(self, seed: int) -> Tree:
        """Return the recipe with this seed."""
        return self.recipe.model_copy(update={"seed": seed}).model_dump(mode="json")

    def values(self) -> dict[str, Value]:
        """Return every value of the recipe, and each of its open mappings by itself."""
        values = recipe_paths.values_by_path(self.recipe.model_dump(mode="json"))
        return values | _opened(values)

    def rule_values(self) -> dict[str, Value]:
        """Return every value that the recipe's model understands, but no seed."""
        return recipe_values(self.recipe)

    def columns(self) -> dict[str, Scalar]:
        """Return the recipe's fields, save its seed, and what is derived of them.

        Each value of an open mapping has a column of its own besides.
        """
        return dict(self._columns)

    @cached_property
    def _columns(self) -> dict[str, Scalar]:
        """The columns: whoever writes tables anew asks for them again."""
        columns: dict[str, Any] = {**_opened(self.values()), **recipe_paths.flatten(self.recipe)}
        columns.pop(_NAMELESS)
        return {recipe_column_name(path): value for path, value in columns.items()}

    def in_half_the_memory(self) -> Tree | None:
        """Return twice the accumulation; None where that doesn't divide the batch."""
        doubled = 2 * self.recipe.accumulation
        return None if self.recipe.data.batch_size % doubled else {"accumulation": doubled}


class RecipeKind(DefaultedRecipes):
    """Recipes, over the defaults that a study was created with."""

    keeps_seed = True
    """A recipe's seed is the number of the replicate."""

    @property
    def default_values(self) -> dict[str, Value]:
        """The length that a recipe has where none is written."""
        return {"epochs": recipes.DEFAULT_EPOCHS}

    @property
    def repeating_values(self) -> dict[str, Value]:
        """Deterministic execution."""
        return {"execution.deterministic": True}

    def expand(self, tree: Mapping[str, object]) -> Tree:
        """Open dotted keys, and sections that are written as their name."""
        return recipes.expand(tree)

    def expand_fixed(self, tree: Mapping[str, object]) -> Tree:
        """Open dotted keys and names, and gather the keys of open mappings in these."""
        return recipes.gather_open_mappings(tree)

    def space_faults(self, space: object) -> list[Fault]:
        """Return nothing: the recipe's fields say what a mapping in a space is."""
        return []

    def values_by_path(self, tree: Mapping[str, Any]) -> dict[str, Value]:
        """Return a tree's values, opened as far as the recipe has fields."""
        return recipe_paths.values_by_path(tree)

    def complete(self, tree: Mapping[str, object]) -> Tree:
        """Put the recorded defaults under what is written."""
        return with_defaults(tree, self.defaults)

    def put_together(self, tree: Mapping[str, object]) -> tuple[RecipeTraining | None, list[Fault]]:
        """Return the training of the recipe that a whole tree writes."""
        recipe, faults = recipes.parse_recipe({**tree, _NAMELESS: 0})
        return (None if recipe is None else RecipeTraining(recipe)), faults

    def column_of(self, path: str) -> str:
        """Return the path, save for lengths."""
        return recipe_column_name(path)

    def rule_names(self, written: Iterable[Mapping[str, Any]]) -> set[str]:
        """Return all fields that a recipe can have, and the keys of its open mappings."""
        names = set(recipe_paths.FIELDS - {_NAMELESS})
        return names.union(*map(names_of_values, written))

    def defaults_for(self, written: Iterable[tuple[str, Any]]) -> dict[str, Tree]:
        """Return the tables of defaults of every form that is written."""
        return current_defaults(written)


def recipe_column_name(path: str) -> str:
    """Return the column of a recipe's field: its path, save for lengths such as ``epochs``.

    Those become ``recipe.epochs``, since the plain names are those of what was really done.
    """
    return f"recipe.{path}" if path in recipes.LENGTHS else path


def recipe_values(recipe: Recipe) -> dict[str, Value]:
    """Return every value that a recipe has by its path.

    What its model doesn't understand isn't among them.
    """
    values = recipe_paths.values_by_path(recipe.model_dump(mode="json"))
    values.pop(_NAMELESS)
    understood = family_of(recipe.model.name).understood
    for option, value in recipe.model:
        if value is None and option not in understood:
            values.pop(f"model.{option}")
    return values | _opened(values)


def names_of_values(tree: Mapping[str, Any]) -> set[str]:
    """Return the names of the values that a part of a recipe writes."""
    values = recipe_paths.values_by_path(tree)
    return {*values, *_opened(values)}


def _opened(values: Mapping[str, Any]) -> dict[str, Value]:
    """Return the values in mappings whose keys are the user's own: ``model.options.width``."""
    opened: dict[str, Value] = {}
    for path in OPEN_MAPPINGS:
        name = ".".join(path)
        inner = values.get(name)
        if isinstance(inner, Mapping):
            opened |= {f"{name}.{key}": value for key, value in inner.items()}
    return opened
