"""From the ``space:`` of a study file to a Space, or to every fault in it.

The space mirrors the recipe's structure. Here its own form is read; that the recipe takes whatever
may be sampled is checked in ``search_spaces.recipe_check``. The recipe's schema is handed in; a
module of functions is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from search_spaces.distribution_syntax import (
    ACCEPTED_FORMS,
    DISTRIBUTION_KINDS,
    DISTRIBUTION_SYNONYMS,
    read_distribution,
)
from search_spaces.distributions import Choice
from search_spaces.recipe_check import RecipeSchema, can_coexist, recipe_faults
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
) -> tuple[Space, list[Fault]]:
    """The space that ``tree`` writes over the fixed ``recipe``; faults are at their paths in the
    whole study file.

    ``overrides`` are recipe values by dotted path that win over everything: their paths leave the
    space.
    """
    overrides = overrides or {}
    reader = _Reader(schema)
    if isinstance(tree, Mapping):
        reader.section(tree, (), (), "", ())
    elif tree is not None:
        reader.faults.append(Fault((), "must be a mapping that mirrors the recipe", describe(tree)))
    space = _overridden(Space(tuple(reader.items)), overrides)
    faults = [fault.under(("space",)) for fault in reader.faults]
    return space, faults + recipe_faults(space, recipe, schema, overrides)


def _overridden(space: Space, overrides: Mapping[str, Value]) -> Space:
    """The space without the paths that are overridden; of a branch that is named outright, its own
    values stay.
    """
    for path, value in overrides.items():
        branches = [
            str(name)
            for variable in space.at(path)
            if variable.branch
            for name in variable.distribution.grid()
        ]
        space = space.fix({path: value}) if value in branches else space.without(path)
    return space


# -- its own form ----------------------------------------------------------------------


class _Reader:
    """Reads a space's tree into items, collecting faults at their places below ``space``."""

    def __init__(self, schema: RecipeSchema) -> None:
        self.schema = schema
        self.fields = schema.field_paths()
        self.items: list[Item] = []
        self.faults: list[Fault] = []
        self._seen: dict[str, set[Conditions]] = {}

    def section(
        self,
        tree: Mapping[str, object],
        place: KeyPath,
        path: FieldPath,
        name: str,
        given: Conditions,
    ) -> None:
        """Read what stands in a section of the recipe, or in a branch of it."""
        for key, value in tree.items():
            parts = tuple(str(key).split("."))
            inner = (*path, *parts)
            if inner == ("seed",):
                must = "must not be varied: a trial's seed is the number of its replicate"
                self.faults.append(
                    Fault((*place, *parts), must, describe(value), "replicates", on_key=True)
                )
            elif self.known(inner):
                self.node(
                    value,
                    (*place, *parts),
                    inner,
                    ".".join((name, *parts) if name else parts),
                    given,
                )
            else:
                self.faults.append(self.unknown_field(place, path, parts, given))

    def node(
        self, value: object, place: KeyPath, path: FieldPath, name: str, given: Conditions
    ) -> None:
        """Read one key's value: a branch, a distribution, a section or a plain value."""
        if not isinstance(value, Mapping):
            self.plain(value, place, path, given)
        elif "one_of" in value:
            self.one_of(value, place, path, name, given)
        elif any(word in value for word in DISTRIBUTION_KINDS):
            self.distribution(value, place, path, name, given)
        elif self.names_below(path) and not (
            value and set(value) <= set(DISTRIBUTION_SYNONYMS) and not self.fields_in(value, path)
        ):
            self.section(value, place, path, name, given)
        elif value and not any(fault.path == path for fault in self.judged(path, value, given)):
            self.plain(value, place, path, given)
        else:
            ours = next(
                (
                    DISTRIBUTION_SYNONYMS[str(word)]
                    for word in value
                    if word in DISTRIBUTION_SYNONYMS
                ),
                "",
            )
            self.fault(
                place, "must be a distribution or a plain value", value, ACCEPTED_FORMS, ours
            )

    def plain(self, value: Any, place: KeyPath, path: FieldPath, given: Conditions) -> None:
        field = self.named(path)
        if field is None:
            self.fault(
                place,
                "must be a mapping that mirrors the recipe",
                value,
                alternatives(self.names_below(path)),
            )
        elif field != path and not isinstance(value, str):
            self.fault(
                place,
                "must be a name or a mapping",
                value,
                ACCEPTED_FORMS,
                "choice: [...]" * isinstance(value, list),
            )
        else:
            self.add(Constant(".".join(field), value, given, place))

    def one_of(
        self,
        tree: Mapping[str, object],
        place: KeyPath,
        path: FieldPath,
        name: str,
        given: Conditions,
    ) -> None:
        for key in tree:
            if key != "one_of":
                self.fault(
                    (*place, str(key)),
                    "must stand in each branch, one_of alone beside it",
                    key,
                    on_key=True,
                )
        branches = tree["one_of"]
        field = self.named(path)
        if field is None or field == path:
            named = sorted(
                {top for top in self.sections() if self.named(tuple(top.split("."))) is not None}
            )
            self.fault(
                (*place, "one_of"),
                "must stand at a section that has a name",
                branches,
                alternatives(named),
                "choice",
            )
            return
        if not isinstance(branches, Mapping) or not branches:
            ours = "{sgd: {}, adam: {}}" if isinstance(branches, list) else ""
            self.fault(
                (*place, "one_of"),
                "must be a mapping of names, each with its own values",
                branches,
                "",
                ours,
            )
            return
        self.add(
            Variable(
                name, ".".join(field), Choice(tuple(map(str, branches))), given, place, branch=True
            )
        )
        for branch, content in branches.items():
            inside = (*place, "one_of", str(branch))
            if content is None or isinstance(content, Mapping):
                below_branch = (*given, (name, str(branch)))
                self.section(content or {}, inside, path, f"{name}.{branch}", below_branch)
            else:
                self.fault(inside, "must be a mapping of the branch's own values, or {}", content)

    def distribution(
        self,
        tree: Mapping[str, object],
        place: KeyPath,
        path: FieldPath,
        name: str,
        given: Conditions,
    ) -> None:
        found, faults = read_distribution(tree, place)
        self.faults += faults
        field = self.named(path)
        if field is None:
            self.fault(
                place,
                "must be a mapping that mirrors the recipe",
                tree,
                alternatives(self.names_below(path)),
            )
        elif field == path and found is not None:
            self.add(Variable(name, ".".join(path), found, given, place))
        elif (
            found is not None
            and isinstance(found, Choice)
            and all(isinstance(value, str) for value in found.values)
        ):
            self.add(Variable(name, ".".join(field), found, given, place, branch=True))
        elif found is not None:
            self.fault(place, "must be a choice of names or one_of", tree, ACCEPTED_FORMS)

    # -- what the recipe has -----------------------------------------------------------

    def known(self, path: FieldPath) -> bool:
        return ".".join(path) in self.fields or bool(self.names_below(path))

    def names_below(self, path: FieldPath) -> list[str]:
        """The keys that the recipe has below ``path``, over all its forms."""
        top = ".".join(path) + "." if path else ""
        return sorted(
            {field[len(top) :].split(".")[0] for field in self.fields if field.startswith(top)}
        )

    def named(self, path: FieldPath) -> FieldPath | None:
        """The field that a plain value at ``path`` sets: itself, its section's name, or none."""
        if ".".join(path) in self.fields:
            return path
        return (*path, "name") if ".".join((*path, "name")) in self.fields else None

    def sections(self) -> set[str]:
        return {field.rpartition(".")[0] for field in self.fields if "." in field}

    def fields_in(self, tree: Mapping[str, object], path: FieldPath) -> bool:
        return any(self.known((*path, *str(key).split("."))) for key in tree)

    def judged(self, path: FieldPath, value: object, given: Conditions) -> list[Fault]:
        """What the recipe says of one value in the branch where it stands."""
        paths = {
            variable.name: variable.path
            for variable in self.items
            if isinstance(variable, Variable)
        }
        branch = {paths[name]: choice for name, choice in given if name in paths}
        return self.schema.parse_recipe(self.schema.merge(branch, {".".join(path): value}))[1]

    def unknown_field(
        self, place: KeyPath, path: FieldPath, parts: FieldPath, given: Conditions
    ) -> Fault:
        """The recipe's own words for a key that it hasn't."""
        for fault in self.judged((*path, *parts), None, given):
            if fault.on_key and fault.path == (*path, *parts):
                return replace(fault, path=(*place, *parts))
        return unknown_key_fault((*place, *parts), self.names_below(path), DISTRIBUTION_SYNONYMS)

    # -- results -----------------------------------------------------------------------

    def add(self, item: Item) -> None:
        if any(can_coexist(item.given, other) for other in self._seen.get(item.path, ())):
            self.fault(item.place, f"must set {item.path} only once", item.path)
            return
        self._seen.setdefault(item.path, set()).add(item.given)
        self.items.append(item)

    def fault(
        self,
        place: KeyPath,
        must: str,
        found: object,
        accepted: str = "",
        ours: str = "",
        on_key: bool = False,
    ) -> None:
        self.faults.append(Fault(place, must, describe(found), accepted, ours, on_key))
