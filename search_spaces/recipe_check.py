"""Check that a recipe takes whatever a space may sample.

Each value of a choice and the ends of each range are tried in a branch where they exist, one
variable at a time, the others at their first values. Then, for rules over several fields, each two
values of two unconditional choices (batch size and accumulation), and points drawn from the whole
space.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from random import Random
from typing import Any, Protocol

from search_spaces.random_trial import Allows
from search_spaces.space import Conditions, Constant, Item, Space, Variable, is_active
from search_spaces.validation import Fault, KeyPath, format_path, is_below
from search_spaces.values import Scalar, Value, as_param, is_same_value

_PAIRED_VALUES = 16
"""Up to so many values of a variable are checked in pairs with another's."""

# how many points are tried, each of which takes a third of a millisecond
_MOST_SINGLE = 4_000
_MOST_PAIRS = 800
_RANDOM = 200


class RecipeSchema(Protocol):
    """What is asked of the recipe: to validate a tree, to merge two, which fields there are, and
    which of them are mappings whose keys are the user's own.
    """

    def parse_recipe(self, tree: Mapping[str, object], /) -> tuple[object, list[Fault]]: ...

    def merge(
        self, base: Mapping[str, object], over: Mapping[str, object], /
    ) -> dict[str, Any]: ...

    def field_paths(self) -> frozenset[str]: ...

    def open_fields(self) -> frozenset[str]: ...


def can_coexist(one: Conditions, other: Conditions) -> bool:
    """Return whether two things can exist in one point."""
    branches = dict(one)
    return all(branches.get(name, branch) == branch for name, branch in other)


def recipe_faults(
    space: Space,
    recipe: Mapping[str, object],
    schema: RecipeSchema,
    overrides: Mapping[str, Value],
    allows: Allows = lambda values: True,
) -> list[Fault]:
    """Return what the recipe refuses of the space over the fixed values.

    Several variables are tried together only where each is sound by itself. Points that the study's
    rules keep out may be refused.
    """
    check = _RecipeCheck(space, recipe, schema, overrides, allows)
    check.try_point({})
    for params in itertools.islice(_single_values(space), _MOST_SINGLE - 1):
        check.try_point(params)
    if not check.faults:
        for params in itertools.islice(_pairs(space), _MOST_PAIRS):
            check.try_point(params)
        for params in _random_points(space, _RANDOM):
            check.try_point(params)
    return list(check.faults.values())


class _RecipeCheck:
    """Tries points of a space on the recipe, and collects what it refuses, each fault once."""

    def __init__(
        self,
        space: Space,
        recipe: Mapping[str, object],
        schema: RecipeSchema,
        overrides: Mapping[str, Value],
        allows: Allows,
    ) -> None:
        self.faults: dict[tuple[KeyPath, str], Fault] = {}
        self._space = space
        self._recipe = recipe
        self._schema = schema
        self._overrides = overrides
        self._allows = allows
        self._tried: set[str] = set()
        """The points that were tried, as texts: in a branch of its own each variable has the same
        first one.
        """

    def try_point(self, params: Mapping[str, Scalar]) -> None:
        """Put the recipe of a point together; variables that ``params`` leave out come first."""
        schema, values = self._schema, self._space.complete(params)
        point = repr(values)
        if point in self._tried:
            return
        self._tried.add(point)
        tree = schema.merge(self._recipe, values)
        if self._overrides:
            # a name among them drops its section's old keys, and what the space varies with them
            tree = schema.merge(schema.merge(tree, self._overrides), values)
        _, faults = schema.parse_recipe(tree)
        if faults and not self._allows(values):
            return
        for fault in faults:
            where, on_key = self._culprit(fault, params)
            moved = replace(fault, path=where, on_key=on_key)
            self.faults.setdefault((where, fault.must), moved)

    def _culprit(self, fault: Fault, params: Mapping[str, Scalar]) -> tuple[KeyPath, bool]:
        """Return where the study file has what the recipe refuses, and if its key is meant."""
        path = format_path(fault.path)
        for key in self._overrides:
            if is_below(path, key) or key == f"{path}.name":
                return ("overrides", key), False
        chosen = {**params}
        for item in self._space.items:
            if not is_active(item, chosen):
                continue
            if isinstance(item, Variable) and item.name not in chosen:
                chosen[item.name] = as_param(item.distribution.first)
            if is_below(path, item.path) or item.path == f"{path}.name":
                place = item.place if fault.on_key else _value_place(item, chosen)
                return ("space", *place), fault.on_key or item.branch
        return ("recipe", *fault.path), fault.on_key


def _value_place(item: Item, params: Mapping[str, Scalar]) -> KeyPath:
    """Return where the value stands that ``params`` give an item.

    That is a bound, an entry of a choice, or a branch's key.
    """
    if isinstance(item, Constant):
        return item.place
    if item.branch:
        return (*item.place, "one_of", str(params[item.name]))
    kind = next(iter(item.distribution.tree()))
    for value, index in item.distribution.probes():
        if is_same_value(value, params[item.name]):
            return (*item.place, kind, index)
    return item.place


# -- which points are tried ------------------------------------------------------------


def _single_values(space: Space) -> Iterator[dict[str, Scalar]]:
    """Give params that bring each variable to each value worth checking, where it exists."""
    for variable in space.variables:
        for value, _ in variable.distribution.probes():
            yield {**dict(variable.given), variable.name: as_param(value)}


def _pairs(space: Space) -> Iterator[dict[str, Scalar]]:
    """Give each two values of each two unconditional variables that have few values."""
    few = [variable for variable in space.variables if _has_few_values(variable)]
    for one, other in itertools.combinations(few, 2):
        ones, others = one.distribution.probes(), other.distribution.probes()
        for (first, _), (second, _) in itertools.product(ones, others):
            yield {one.name: as_param(first), other.name: as_param(second)}


def _has_few_values(variable: Variable) -> bool:
    if variable.given or variable.branch:
        return False
    size = variable.distribution.size()
    return size is not None and size <= _PAIRED_VALUES


def _random_points(space: Space, count: int) -> Iterator[dict[str, Scalar]]:
    """Give points of values worth checking, drawn at random but always the same, each once."""
    random = Random(0)
    names = [variable.name for variable in space.variables]
    probes = [_params_of(variable) for variable in space.variables]
    drawn: set[tuple[int, ...]] = set()
    for _ in range(count if names else 0):
        places = tuple([int(random.random() * len(params)) for params in probes])
        if places not in drawn:
            drawn.add(places)
            chosen = [params[place] for params, place in zip(probes, places, strict=True)]
            yield dict(zip(names, chosen, strict=True))


def _params_of(variable: Variable) -> list[Scalar]:
    """Return a variable's values worth checking, as Optuna has them."""
    return [as_param(value) for value, _ in variable.distribution.probes()]
