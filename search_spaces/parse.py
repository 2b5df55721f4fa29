"""From the ``space:`` of a study file to a Space, or to every fault in it.

The space mirrors the recipe's structure. Its own form is read here; whether the recipe takes
whatever may be sampled is checked in ``search_spaces.recipe_check``. The recipe's schema is handed
in; a module of functions is one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from search_spaces.distribution_syntax import (
    ACCEPTED_FORMS,
    DISTRIBUTION_KINDS,
    DISTRIBUTION_SYNONYMS,
    read_distribution,
)
from search_spaces.distributions import Choice
from search_spaces.random_trial import Allows
from search_spaces.recipe_check import RecipeSchema, can_coexist, recipe_faults
from search_spaces.recipe_fields import RecipeFields
from search_spaces.space import Conditions, Constant, Item, Space, Variable
from search_spaces.validation import (
    Fault,
    FieldPath,
    KeyPath,
    alternatives,
    describe,
    unknown_key_fault,
)
from search_spaces.values import Value


def parse_space(
    tree: object,
    recipe: Mapping[str, object],
    schema: RecipeSchema,
    overrides: Mapping[str, Value] | None = None,
    allows_in: Callable[[Space], Allows] = lambda space: lambda values: True,
    *,
    keeps_seed: bool = True,
) -> tuple[Space, list[Fault]]:
    """Return the space that ``tree`` writes over the fixed ``recipe``, and every fault in it.

    Faults are at their paths in the whole study file. ``overrides`` are recipe values by dotted
    path that win over everything: their paths leave the space. ``allows_in`` gives, for the space,
    which of its points the study's rules allow. ``keeps_seed`` says that the field
    ``seed`` is the number of the replicate, which no space may vary.
    """
    overrides = overrides or {}
    reader = _Reader(schema, keeps_seed=keeps_seed)
    if isinstance(tree, Mapping):
        reader.read_section(tree, _Spot((), (), "", ()))
    elif tree is not None:
        reader.add_fault((), "must be a mapping that mirrors the recipe", tree)
    space = _without_overridden(Space(tuple(reader.items)), overrides)
    faults = [fault.under(("space",)) for fault in reader.faults]
    return space, faults + recipe_faults(space, recipe, schema, overrides, allows_in(space))


def _without_overridden(space: Space, overrides: Mapping[str, Value]) -> Space:
    """Return the space without the paths that are overridden.

    Of a branch that is named outright, its own values stay.
    """
    for path, value in overrides.items():
        switches = [variable for variable in space.at(path) if variable.branch]
        branches = [str(name) for switch in switches for name in switch.distribution.grid()]
        space = space.fix({path: value}) if value in branches else space.without(path)
    return space


@dataclass(frozen=True)
class _Spot:
    """Where something of the space stands."""

    place: KeyPath
    """In the study file, below ``space``."""
    path: FieldPath
    """In the recipe."""
    name: str
    """What Optuna would call it: the path with the branches on the way."""
    given: Conditions
    """The branches on the way."""

    def below(self, parts: FieldPath) -> _Spot:
        """Return the spot of a key further in."""
        name = ".".join((self.name, *parts) if self.name else parts)
        return replace(self, place=(*self.place, *parts), path=(*self.path, *parts), name=name)

    def in_branch(self, branch: str) -> _Spot:
        """Return the spot inside a branch that stands here."""
        return replace(
            self,
            place=(*self.place, "one_of", branch),
            name=f"{self.name}.{branch}",
            given=(*self.given, (self.name, branch)),
        )


# -- reading ---------------------------------------------------------------------------


class _Reader:
    """Reads a space's tree into items, and collects its faults at their places below ``space``."""

    def __init__(self, schema: RecipeSchema, *, keeps_seed: bool) -> None:
        self.items: list[Item] = []
        self.faults: list[Fault] = []
        self._schema = schema
        self._seed_path: FieldPath | None = ("seed",) if keeps_seed else None
        self._fields = RecipeFields(schema.field_paths(), schema.open_fields())
        self._seen: dict[str, set[Conditions]] = {}

    def read_section(self, tree: Mapping[str, object], at: _Spot) -> None:
        """Read what stands in a section of the recipe, or in a branch of it."""
        for key, value in tree.items():
            inner = at.below(tuple(str(key).split(".")))
            if inner.path == self._seed_path:
                must = "must not be varied: a trial's seed is the number of its replicate"
                self.add_fault(inner.place, must, value, "replicates", on_key=True)
            elif self._fields.has(inner.path):
                self._read_value(value, inner)
            else:
                self.faults.append(self._unknown_key(inner, at))

    def _read_value(self, value: object, at: _Spot) -> None:
        """Read one key's value: a branch, a distribution, a section or a plain value."""
        if not isinstance(value, Mapping):
            self._read_plain(value, at)
        elif "one_of" in value:
            self._read_one_of(value, at)
        elif any(kind in value for kind in DISTRIBUTION_KINDS):
            self._read_distribution(value, at)
        elif self._fields.keys_below(at.path) and not self._is_foreign(value, at.path):
            self.read_section(value, at)
        elif self._fields.is_open(at.path) and any(isinstance(v, Mapping) for v in value.values()):
            self.read_section(value, at)  # else it is one value, whole
        elif value and self._is_taken(value, at):
            self._read_plain(value, at)
        else:
            foreign = [word for word in value if word in DISTRIBUTION_SYNONYMS]
            ours = DISTRIBUTION_SYNONYMS[foreign[0]] if foreign else ""
            must = "must be a distribution or a plain value"
            self.add_fault(at.place, must, value, ACCEPTED_FORMS, ours)

    def _is_foreign(self, tree: Mapping[str, object], path: FieldPath) -> bool:
        """Whether a mapping is a distribution in another tool's words, and not a section."""
        only_foreign = bool(tree) and set(tree) <= set(DISTRIBUTION_SYNONYMS)
        return only_foreign and not self._fields.has_any(tree, path)

    def _is_taken(self, value: object, at: _Spot) -> bool:
        """Whether the recipe takes a mapping as the value of a field."""
        return not any(fault.path == at.path for fault in self._faults_in_recipe(value, at))

    def _read_plain(self, value: Any, at: _Spot) -> None:
        field = self._fields.set_by_value(at.path)
        if field is None:
            self._refuse_at_section(value, at)
        elif isinstance(value, list) and field != at.path and self._is_taken(value, at):
            self._add(Constant(".".join(at.path), value, at.given, at.place))
        elif field != at.path and not isinstance(value, str):
            ours = "choice: [...]" if isinstance(value, list) else ""
            self.add_fault(at.place, "must be a name or a mapping", value, ACCEPTED_FORMS, ours)
        else:
            self._add(Constant(".".join(field), value, at.given, at.place))

    def _read_distribution(self, tree: Mapping[str, object], at: _Spot) -> None:
        found, faults = read_distribution(tree, at.place)
        self.faults += faults
        field = self._fields.set_by_value(at.path)
        if field is None:
            self._refuse_at_section(tree, at)
        elif found is None:
            return
        elif field == at.path:
            self._add(Variable(at.name, ".".join(field), found, at.given, at.place))
        elif isinstance(found, Choice) and self._are_lists(found, at):
            self._add(Variable(at.name, ".".join(at.path), found, at.given, at.place))
        elif isinstance(found, Choice) and all(isinstance(name, str) for name in found.values):
            self._add(Variable(at.name, ".".join(field), found, at.given, at.place, branch=True))
        else:
            must = "must be a choice of names or one_of"
            self.add_fault(at.place, must, tree, ACCEPTED_FORMS)

    def _are_lists(self, choice: Choice, at: _Spot) -> bool:
        """Whether the values of a choice are lists that the recipe takes in place of a section."""
        values = choice.values
        return all(isinstance(value, list) and self._is_taken(value, at) for value in values)

    def _refuse_at_section(self, value: object, at: _Spot) -> None:
        known = alternatives(self._fields.keys_below(at.path))
        self.add_fault(at.place, "must be a mapping that mirrors the recipe", value, known)

    def _read_one_of(self, tree: Mapping[str, object], at: _Spot) -> None:
        """Read the branches of a section that has a name, each with its own values."""
        for key in tree:
            if key != "one_of":
                must = "must stand in each branch, one_of alone beside it"
                self.add_fault((*at.place, str(key)), must, key, on_key=True)
        branches, place = tree["one_of"], (*at.place, "one_of")
        field = self._fields.set_by_value(at.path)
        if field is None or field == at.path:
            must = "must stand at a section that has a name"
            known = alternatives(self._fields.named_sections())
            self.add_fault(place, must, branches, known, "choice")
            return
        if not isinstance(branches, Mapping) or not branches:
            must = "must be a mapping of names, each with its own values"
            ours = "{sgd: {}, adam: {}}" if isinstance(branches, list) else ""
            self.add_fault(place, must, branches, "", ours)
            return
        names = Choice(tuple(map(str, branches)))
        self._add(Variable(at.name, ".".join(field), names, at.given, at.place, branch=True))
        for branch, content in branches.items():
            inside = at.in_branch(str(branch))
            if content is None or isinstance(content, Mapping):
                self.read_section(content or {}, inside)
            else:
                must = "must be a mapping of the branch's own values, or {}"
                self.add_fault(inside.place, must, content)

    # -- what the recipe says of it ----------------------------------------------------

    def _unknown_key(self, at: _Spot, section: _Spot) -> Fault:
        """Return the fault of a key that the recipe hasn't, in the recipe's own words if any."""
        for fault in self._faults_in_recipe(None, at):
            further = len(at.path) - len(fault.path)
            if fault.on_key and fault.path and fault.path == at.path[: len(fault.path)]:
                return replace(fault, path=at.place[: len(at.place) - further])
        known = self._fields.keys_below(section.path)
        return unknown_key_fault(at.place, known, DISTRIBUTION_SYNONYMS)

    def _faults_in_recipe(self, value: object, at: _Spot) -> list[Fault]:
        """Return what the recipe says of one value in the branch where it stands."""
        variables = [item for item in self.items if isinstance(item, Variable)]
        paths = {variable.name: variable.path for variable in variables}
        branches = {paths[name]: branch for name, branch in at.given if name in paths}
        _, faults = self._schema.parse_recipe(
            self._schema.merge(branches, {".".join(at.path): value})
        )
        return faults

    # -- results -----------------------------------------------------------------------

    def _add(self, item: Item) -> None:
        # a single key of an open mapping is written back as one, whatever stands beside it
        joined = self._fields.joined_parts(tuple(item.path.split(".")))
        if joined:
            place = (*item.place[:-joined], ".".join(map(str, item.place[-joined:])))
            item = replace(item, place=place)
        if any(can_coexist(item.given, other) for other in self._seen.get(item.path, ())):
            self.add_fault(item.place, f"must set {item.path} only once", item.path)
            return
        self._seen.setdefault(item.path, set()).add(item.given)
        self.items.append(item)

    def add_fault(
        self,
        place: KeyPath,
        must: str,
        found: object,
        accepted: str = "",
        nearest: str = "",
        on_key: bool = False,
    ) -> None:
        """Add a fault of what was found at ``place``."""
        self.faults.append(Fault(place, must, describe(found), accepted, nearest, on_key))
