"""The values that rules between values speak of: all that a point's recipe has, by their paths.

A recipe is put together and validated in a third of a millisecond, too long where ten thousand
points are drawn to find those that the rules allow. But what a recipe has beside the point's values
depends on no number: only on names and other words, and on which values are there at all. So one
recipe serves all points that agree in these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.space import Space, Variable
from search_spaces.values import Value, as_param
from study.errors import SpecError
from study.training.recipe.model_catalog import family_of
from study.training.recipe.recipe import OPEN_MAPPINGS, Recipe
from study.training.recipe.recipe_paths import values_by_path

_NAMELESS = "seed"
"""A value of a recipe that isn't the point's: it is the number of the replicate."""


def recipe_values(recipe: Recipe) -> dict[str, Value]:
    """Return every value that a recipe has by its path.

    What its model doesn't understand isn't among them.
    """
    values = values_by_path(recipe.model_dump(mode="json"))
    values.pop(_NAMELESS)
    understood = family_of(recipe.model.name).understood
    for option, value in recipe.model:
        if value is None and option not in understood:
            values.pop(f"model.{option}")
    return values | _opened(values)


def names_of_values(tree: Mapping[str, Any]) -> set[str]:
    """Return the names of the values that a part of a recipe writes."""
    values = values_by_path(tree)
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


class RuleValues:
    """All values of the points of one space.

    ``recipe_of`` puts the recipe of a point together, and raises SpecError where there is none.
    """

    def __init__(
        self, space: Space, recipe_of: Callable[[Mapping[str, Any]], Recipe | None]
    ) -> None:
        self._space = space
        self._recipe_of = recipe_of
        self._by_words: dict[tuple[tuple[str, object], ...], dict[str, Value] | None] = {}

    def of(self, values: Mapping[str, Any]) -> dict[str, Value] | None:
        """Return all values of a point of the space; None where it makes no recipe.

        A recipe that is refused for its numbers has values all the same: a rule may be there to
        keep such points out.
        """
        key = tuple(
            (path, None if _is_number(value) else (type(value), as_param(value)))
            for path, value in values.items()
        )
        if key not in self._by_words:
            self._by_words[key] = self._first_with_words_of(values)
        others = self._by_words[key]
        return None if others is None else {**others, **values}

    def _first_with_words_of(self, values: Mapping[str, Any]) -> dict[str, Value] | None:
        """Return all values of the first point that agrees with this one in all but numbers."""
        words = {
            variable.name: as_param(values[variable.path])
            for variable in self._space.variables
            if variable.path in values and not _stands_for_numbers(variable, values)
        }
        for point in (self._space.complete(words), values):
            try:
                recipe = self._recipe_of(point)
            except SpecError:
                continue
            if recipe is not None:
                return recipe_values(recipe)
        return None


def _stands_for_numbers(variable: Variable, values: Mapping[str, Any]) -> bool:
    """Whether a variable's first value may stand for the one that it has here."""
    return _is_number(values[variable.path]) and _is_number(variable.distribution.first)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
