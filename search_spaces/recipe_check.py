"""Whether a recipe takes whatever a space may sample.

Looked at are each value of a choice and the ends of each range, in a branch where they exist: one
variable at a time, the others at their first values. Rules over several fields are then met by
every pair of values of the unconditional choices (batch size and accumulation), and by points drawn
from the whole space.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, Protocol

from search_spaces.space import Conditions, Constant, Item, Space, Variable, is_active, is_below
from search_spaces.validation import Fault, KeyPath, format_path
from search_spaces.values import Scalar, Value, as_param, is_same_value

_PAIRED = 16  # up to so many values of a variable are checked in pairs with another's
MOST_ALONE, MOST_PAIRS, DRAWN = (
    4_000,
    800,
    200,
)  # how many points are looked at; one takes a third of a millisecond


class RecipeSchema(Protocol):
    """What is asked of the recipe: to judge a tree, to lay one over another, and which fields there
    are.
    """

    def parse_recipe(self, tree: Mapping[str, object], /) -> tuple[object, list[Fault]]: ...

    def merge(
        self, base: Mapping[str, object], over: Mapping[str, object], /
    ) -> dict[str, Any]: ...

    def field_paths(self) -> frozenset[str]: ...


def can_coexist(one: Conditions, other: Conditions) -> bool:
    """Whether two things can exist in one point."""
    branches = dict(one)
    return all(branches.get(name, branch) == branch for name, branch in other)


def recipe_faults(
    space: Space, recipe: Mapping[str, object], schema: RecipeSchema, overrides: Mapping[str, Value]
) -> list[Fault]:
    """What the recipe refuses of the fixed values, of the space alone, and then of pairs of the
    space's variables.
    """
    found: dict[tuple[KeyPath, str], Fault] = {}
    for params in itertools.islice(itertools.chain([{}], _alone(space)), MOST_ALONE):
        _add_faults(found, space, params, recipe, schema, overrides)
    together = itertools.chain(itertools.islice(_pairs(space), MOST_PAIRS), _drawn(space, DRAWN))
    for params in () if found else together:
        _add_faults(found, space, params, recipe, schema, overrides)
    return list(found.values())


def _add_faults(
    found: dict[tuple[KeyPath, str], Fault],
    space: Space,
    params: Mapping[str, Scalar],
    recipe: Mapping[str, object],
    schema: RecipeSchema,
    overrides: Mapping[str, Value],
) -> None:
    values = space.complete(params)
    tree = schema.merge(schema.merge(recipe, values), overrides)
    if (
        overrides
    ):  # a name among them drops its section's old keys, and with them what the space varies there
        tree = schema.merge(tree, values)
    _, faults = schema.parse_recipe(tree)
    for fault in faults:
        where, on_key = _owner(fault, space, params, overrides)
        moved = Fault(where, fault.must, fault.found, fault.accepted, fault.nearest, on_key)
        found.setdefault((where, fault.must), moved)


def _alone(space: Space) -> Iterator[dict[str, Scalar]]:
    """Params that bring each variable to each value worth checking, in a branch where it exists."""
    for variable in space.variables:
        for value, _ in variable.distribution.probes():
            yield {**dict(variable.given), variable.name: as_param(value)}


def _pairs(space: Space) -> Iterator[dict[str, Scalar]]:
    """Each two values of each two unconditional variables of few values."""
    plain = [variable for variable in space.variables if not variable.given and not variable.branch]
    few = [
        variable for variable in plain if (variable.distribution.size() or _PAIRED + 1) <= _PAIRED
    ]
    for one, other in itertools.combinations(few, 2):
        for first, second in itertools.product(
            one.distribution.probes(), other.distribution.probes()
        ):
            yield {one.name: as_param(first[0]), other.name: as_param(second[0])}


def _drawn(space: Space, count: int) -> Iterator[dict[str, Scalar]]:
    """Points of values worth checking, drawn at random but always the same."""
    random = Random(0)
    probes = {variable.name: variable.distribution.probes() for variable in space.variables}
    for _ in range(count if space.variables else 0):
        yield {name: as_param(random.choice(values)[0]) for name, values in probes.items()}


def _owner(
    fault: Fault, space: Space, params: Mapping[str, Scalar], overrides: Mapping[str, Value]
) -> tuple[KeyPath, bool]:
    """Where in the study file stands what the recipe refuses, and whether its key is meant."""
    path = format_path(fault.path)
    for key in overrides:
        if is_below(path, key) or key == f"{path}.name":
            return ("overrides", key), False
    chosen = {**params}
    for item in space.items:
        if not is_active(item, chosen):
            continue
        if isinstance(item, Variable) and item.name not in chosen:
            chosen[item.name] = as_param(item.distribution.first)
        if is_below(path, item.path) or item.path == f"{path}.name":
            place = item.place if fault.on_key else _spot(item, chosen)
            return ("space", *place), fault.on_key or item.branch
    return ("recipe", *fault.path), fault.on_key


def _spot(item: Item, params: Mapping[str, Scalar]) -> KeyPath:
    """The place of the value that ``params`` give an item: a bound, an entry of a choice, a
    branch's key.
    """
    if isinstance(item, Constant):
        return item.place
    if item.branch:
        return (*item.place, "one_of", str(params[item.name]))
    for value, index in item.distribution.probes():
        if is_same_value(value, params[item.name]):
            return (*item.place, next(iter(item.distribution.tree())), index)
    return item.place
