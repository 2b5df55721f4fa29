"""Whether a recipe takes whatever a space may sample.

Looked at are each value of a choice and the ends of each range, in a branch where they exist: first one variable at a
time, the others at their first values, then two at a time, so that rules over two fields are seen too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from search_spaces.distributions import Scalar, Value, as_param, same
from search_spaces.faults import Fault, Path, dotted
from search_spaces.space import Constant, Given, Item, Space, Variable, active, below

PAIRED = 16  # up to so many values of a variable are checked in pairs with another's
CHECKS = 4_000  # recipes looked at, at most


class RecipeSchema(Protocol):
    """What is asked of the recipe: to judge a tree, to lay one over another, and which fields there are."""

    def parse_recipe(self, tree: Mapping[str, object], /) -> tuple[object, list[Fault]]: ...

    def lay(self, base: Mapping[str, object], over: Mapping[str, object], /) -> dict[str, Any]: ...

    def field_paths(self) -> frozenset[str]: ...


def compatible(one: Given, other: Given) -> bool:
    """Whether two things can exist in one point."""
    branches = dict(one)
    return all(branches.get(name, branch) == branch for name, branch in other)


def check(
    space: Space, recipe: Mapping[str, object], schema: RecipeSchema, overrides: Mapping[str, Value]
) -> list[Fault]:
    """What the recipe refuses of the fixed values, of the space alone, and then of pairs of the space's variables."""
    found: dict[tuple[Path, str], Fault] = {}
    for params in itertools.islice(itertools.chain([{}], alone(space)), CHECKS):
        add_faults(found, space, params, recipe, schema, overrides)
    for params in itertools.islice(pairs(space), CHECKS) if not found else ():
        add_faults(found, space, params, recipe, schema, overrides)
    return list(found.values())


def add_faults(
    found: dict[tuple[Path, str], Fault],
    space: Space,
    params: Mapping[str, Scalar],
    recipe: Mapping[str, object],
    schema: RecipeSchema,
    overrides: Mapping[str, Value],
) -> None:
    tree = schema.lay(schema.lay(recipe, space.complete(params)), overrides)
    _, faults = schema.parse_recipe(tree)
    for fault in faults:
        where, on_key = owner(fault, space, params, overrides)
        moved = Fault(where, fault.must, fault.found, fault.accepted, fault.nearest, on_key)
        found.setdefault((where, fault.must), moved)


def alone(space: Space) -> Iterator[dict[str, Scalar]]:
    """Params that bring each variable to each value worth checking, in a branch where it exists."""
    for variable in space.variables:
        for value, _ in variable.distribution.probes():
            yield {**dict(variable.given), variable.name: as_param(value)}


def pairs(space: Space) -> Iterator[dict[str, Scalar]]:
    """The same for each two variables that can exist together."""
    for one, other in itertools.combinations(space.variables, 2):
        if (one.name, other.name) in other.given or not compatible(one.given, other.given):
            continue
        few = [variable.distribution.probes()[: PAIRED + 1] for variable in (one, other)]
        sides = [values if len(values) <= PAIRED else values[:2] for values in few]
        for (first, _), (second, _) in itertools.product(*sides):
            params = {**dict(one.given), **dict(other.given), one.name: as_param(first), other.name: as_param(second)}
            if active(one, params) and active(other, params):
                yield params


def owner(
    fault: Fault, space: Space, params: Mapping[str, Scalar], overrides: Mapping[str, Value]
) -> tuple[Path, bool]:
    """Where in the study file stands what the recipe refuses, and whether its key is meant."""
    path = dotted(fault.path)
    for key in overrides:
        if below(path, key) or key == f"{path}.name":
            return ("overrides", key), False
    chosen = {**params}
    for item in space.items:
        if not active(item, chosen):
            continue
        if isinstance(item, Variable) and item.name not in chosen:
            chosen[item.name] = as_param(item.distribution.first)
        if below(path, item.path) or item.path == f"{path}.name":
            place = item.place if fault.on_key else spot(item, chosen)
            return ("space", *place), fault.on_key or item.branch
    return ("recipe", *fault.path), fault.on_key


def spot(item: Item, params: Mapping[str, Scalar]) -> Path:
    """The place of the value that ``params`` give an item: a bound, an entry of a choice, a branch's key."""
    if isinstance(item, Constant):
        return item.place
    if item.branch:
        return (*item.place, "one_of", str(params[item.name]))
    for value, index in item.distribution.probes():
        if same(as_param(value), params[item.name]):
            return (*item.place, next(iter(item.distribution.tree())), index)
    return item.place
