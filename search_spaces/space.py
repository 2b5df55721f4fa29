"""A conditional search space: variables and constants, each with the branches that it exists in.

A space is flat: a branch's variable (``optimizer``, the recipe's ``optimizer.name``) stands before
whatever depends on it, so one walk from front to back asks a trial, reads parameters back,
enumerates a grid or finds a level. *Params* are Optuna's view, by names that carry the branch
(``optimizer.sgd.lr``); *values* are the recipe's, by dotted path (``optimizer.lr``), where the same
path in two branches is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from search_spaces.distributions import Distribution, TrialLike
from search_spaces.validation import KeyPath, is_below
from search_spaces.values import Scalar, Value, as_param, is_same_value

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Conditions = tuple[tuple[str, str], ...]
"""The branches in which something exists, each as the branch variable's name and the branch."""


@dataclass(frozen=True)
class Variable:
    """Something that a study varies."""

    name: str
    """What Optuna calls it: the path, with the branches on the way."""
    path: str
    """Which field of the recipe it sets, dotted."""
    distribution: Distribution
    given: Conditions
    place: KeyPath
    """Where it stands in the study file, below ``space``."""
    branch: bool = False
    """Whether its values name the branches of a ``one_of``."""


@dataclass(frozen=True)
class Constant:
    """A plain value of a branch, or a variable that was fixed."""

    path: str
    value: Value
    given: Conditions
    place: KeyPath
    branch: bool = False
    """Whether it names the only branch that is left."""


Item = Variable | Constant


@dataclass(frozen=True)
class Space:
    """The variables and constants of a study, in the order in which they are asked for."""

    items: tuple[Item, ...] = ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        return tuple(item for item in self.items if isinstance(item, Variable))

    def paths(self) -> tuple[str, ...]:
        """Return the recipe paths that the space sets, in order, each once."""
        return tuple(dict.fromkeys(item.path for item in self.items))

    def at(self, path: str) -> tuple[Variable, ...]:
        """Return the variables of one recipe path: one for each branch that varies it."""
        return tuple(variable for variable in self.variables if variable.path == path)

    # -- params and values -------------------------------------------------------------

    def ask(self, trial: TrialLike) -> dict[str, Value]:
        """Ask an Optuna trial for every active variable; return the values of all active paths."""
        return self._walk(lambda variable: variable.distribution.suggest(trial, variable.name))[1]

    def values_of(self, params: Mapping[str, object]) -> dict[str, Value]:
        """Turn params into values.

        Raises KeyError or ValueError where they lie outside the space.
        """
        return self._walk(lambda variable: params[variable.name])[1]

    def params_of(self, values: Mapping[str, object]) -> dict[str, Scalar] | None:
        """Turn values into params; return None where they lie outside the space.

        Paths that the space hasn't are ignored.
        """
        try:
            params, inside = self._walk(lambda variable: values[variable.path])
        except (KeyError, ValueError):
            return None
        is_inside = all(_holds(values, path, value) for path, value in inside.items())
        return params if is_inside else None

    def distributions(self, params: Mapping[str, object]) -> dict[str, BaseDistribution]:
        """Return Optuna's distributions of the variables that are active with ``params``."""
        active, _ = self._walk(lambda variable: params[variable.name])
        return {
            variable.name: variable.distribution.optuna()
            for variable in self.variables
            if variable.name in active
        }

    def all_distributions(self) -> dict[str, BaseDistribution]:
        """Return Optuna's distributions of all variables, those of every branch."""
        return {variable.name: variable.distribution.optuna() for variable in self.variables}

    def complete(self, params: Mapping[str, object]) -> dict[str, Value]:
        """Return the values of some params, every other variable at its first value.

        Asked hundreds of times when a study file is checked, it works the first values out once.
        """
        active: dict[str, Scalar] = {}
        values: dict[str, Value] = {}
        given: Conditions = ()
        exists = True
        for item, value, param in self._first_values:
            if item.given is not given:  # many in a row stand in the same branch
                given = item.given
                exists = is_active(item, active)
            if not exists:
                continue
            if isinstance(item, Variable):
                if item.name in params:
                    value = item.distribution.value_of(params[item.name])
                    param = as_param(value)
                active[item.name] = param
            values[item.path] = value
        return values

    @cached_property
    def _first_values(self) -> tuple[tuple[Item, Value, Scalar], ...]:
        """Each item with its first value, or its only one, and with that as Optuna has it."""
        found: list[tuple[Item, Value, Scalar]] = []
        for item in self.items:
            value = item.value if isinstance(item, Constant) else _first_of(item)
            found.append((item, value, as_param(value)))
        return tuple(found)

    def _walk(
        self, decide: Callable[[Variable], object]
    ) -> tuple[dict[str, Scalar], dict[str, Value]]:
        """Go through the active items in order, taking each variable's value from ``decide``."""
        params: dict[str, Scalar] = {}
        values: dict[str, Value] = {}
        for item in self.items:
            if not is_active(item, params):
                continue
            if isinstance(item, Variable):
                values[item.path] = item.distribution.value_of(decide(item))
                params[item.name] = as_param(values[item.path])
            else:
                values[item.path] = item.value
        return params, values

    # -- grids and levels --------------------------------------------------------------

    def grid(self) -> list[dict[str, Value]]:
        """Return every point, the last variable fastest.

        Raises ValueError where a distribution is continuous.
        """
        return list(self.iter_grid())

    def iter_grid(self) -> Iterator[dict[str, Value]]:
        """Give the points of ``grid`` one by one: there may be very many."""
        return (self.values_of(params) for params in self._grid(self.items, {}))

    def grid_size(self) -> int | None:
        """Return how many points the grid has, without enumerating it.

        None where a distribution is continuous.
        """
        return self._size(())

    def _grid(
        self, items: tuple[Item, ...], params: dict[str, Scalar]
    ) -> Iterator[dict[str, Scalar]]:
        for depth, item in enumerate(items):
            if isinstance(item, Variable) and is_active(item, params):
                for value in item.distribution.grid():
                    yield from self._grid(items[depth + 1 :], params | {item.name: as_param(value)})
                return
        yield params

    def _size(self, given: Conditions) -> int | None:
        """Return the size of the grid in exactly the branches ``given`` and below them."""
        total = 1
        for variable in self.variables:
            if variable.given != given:
                continue
            if variable.branch:
                names = [str(name) for name in variable.distribution.grid()]
                sizes = [self._size((*given, (variable.name, name))) for name in names]
                size = None if None in sizes else sum(size or 0 for size in sizes)
            else:
                size = variable.distribution.size()
            if size is None:
                return None
            total *= size
        return total

    def levels(self, paths: Iterable[str]) -> list[dict[str, Value]]:
        """Return all combinations of the factors at ``paths``: choices or branch names."""
        chosen = set(paths)
        factors = Space(tuple(variable for variable in self.variables if variable.path in chosen))
        return factors.grid()

    def fix(self, values: Mapping[str, Value]) -> Space:
        """Return the space with the variables at these paths fixed.

        What depends on another branch is dropped.
        """
        fixed = {item.name: values[item.path] for item in self.variables if item.path in values}
        items: list[Item] = []
        for item in self.items:
            if any(name in fixed and fixed[name] != branch for name, branch in item.given):
                continue
            item = replace(item, given=tuple(pair for pair in item.given if pair[0] not in fixed))
            if isinstance(item, Variable) and item.name in fixed:
                item = Constant(item.path, fixed[item.name], item.given, item.place, item.branch)
            items.append(item)
        return Space(tuple(items))

    def without(self, path: str) -> Space:
        """Return the space without what stands at ``path`` or below it.

        A branch variable leaves with all its branches.
        """
        gone = {item.name for item in self.variables if is_below(item.path, path)}
        kept: list[Item] = []
        for item in self.items:
            is_inside = any(name in gone for name, _ in item.given)
            if not is_inside and not is_below(item.path, path):
                kept.append(item)
        return Space(tuple(kept))

    # -- as text -----------------------------------------------------------------------

    def rows(self) -> list[dict[str, str]]:
        """Return a row for each variable or constant, for a printed table.

        It has the path, the values and the branches in which it exists.
        """
        rows = []
        for item in self.items:
            if isinstance(item, Variable):
                values = str(item.distribution)
            else:
                values = f"{as_param(item.value)} (fixed)"
            when = ", ".join(f"{name} = {branch}" for name, branch in item.given)
            rows.append({"path": item.path, "values": values, "when": when})
        return rows

    def tree(self) -> dict[str, Any]:
        """Return the space as a study file has it."""
        tree: dict[str, Any] = {}
        for item in self.items:
            if isinstance(item, Constant):
                content = {"one_of": {str(item.value): {}}} if item.branch else item.value
            elif item.branch:
                content = {"one_of": {str(name): {} for name in item.distribution.grid()}}
            else:
                content = item.distribution.tree()
            holder: dict[Any, Any] = tree
            for part in item.place[:-1]:
                holder = holder.setdefault(part, {})
            holder[item.place[-1]] = content
        return tree


def _first_of(variable: Variable) -> Value:
    return variable.distribution.value_of(variable.distribution.first)


def is_active(item: Item, params: Mapping[str, object]) -> bool:
    """Return whether an item exists in the branches that ``params`` choose."""
    for name, branch in item.given:  # noqa: SIM110 # asked for each item of each point
        if params.get(name) != branch:
            return False
    return True


def _holds(values: Mapping[str, object], path: str, value: Value) -> bool:
    return path in values and is_same_value(values[path], value)
