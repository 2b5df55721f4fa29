"""The recipe's defaults as plain data, so that a study keeps those that it was created with.

A table holds what a section takes where nothing is written: ``recipe`` that of the whole,
``optimizer.adam`` that of a form, ``model.mlp.linear`` that of a network's variant. Sections
without forms have one table. No torch here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from search_spaces.validation import Fault
from study.training.recipe import recipe as recipes
from study.training.recipe.model import ModelSpec, defaults_of
from study.training.recipe.model_catalog import family_of
from study.training.recipe.recipe import (
    DEFAULT_EPOCHS,
    DEFAULT_NAMES,
    LENGTHS,
    LISTED_SECTIONS,
    MERGED_WHOLE,
    SECTION_FORMS,
    Recipe,
    RecipeTree,
)
from study.validation.section import Section, sections_in

Defaults = Mapping[str, Mapping[str, Any]]

_WHOLE_RECIPE = "recipe"


@dataclass(frozen=True)
class DefaultedRecipes:
    """The recipe as a search space is checked by, with these defaults under what is written."""

    defaults: Defaults

    def parse_recipe(self, tree: Mapping[str, object]) -> tuple[Recipe | None, list[Fault]]:
        """Return the recipe that ``tree`` writes over the defaults, or None and every fault."""
        return recipes.parse_recipe(with_defaults(tree, self.defaults))

    def merge(self, base: Mapping[str, object], over: Mapping[str, object]) -> RecipeTree:
        return recipes.merge(base, over)

    def field_paths(self) -> frozenset[str]:
        return recipes.field_paths()

    def open_fields(self) -> frozenset[str]:
        return recipes.open_fields()


# -- recording them ------------------------------------------------------------------


def current_defaults(written: Iterable[tuple[str, object]]) -> dict[str, RecipeTree]:
    """Return today's tables that recipes made of these values can come to need.

    ``written`` are the values of a study file, each by its dotted path.
    """
    names, variants = defaultdict[str, set[str]](set), set[str]()
    for where, value in written:
        if where.endswith(".name"):
            names[where.removesuffix(".name")].add(str(value))
        elif isinstance(value, list):
            for entry in map(recipes.as_section, value):
                if isinstance(entry, Mapping):
                    names[where].add(str(entry.get("name")))
        elif where == "model.variant":
            variants.add(str(value))
    tables: dict[str, RecipeTree] = {_WHOLE_RECIPE: _whole_table()}
    for path, forms in SECTION_FORMS.items():
        place = ".".join(path)
        for name in sorted(names[place] | {DEFAULT_NAMES[path]}):
            if place == "model":
                tables |= _model_tables(name, variants)
            elif len(forms) == 1:
                tables[place] = _table_of(next(iter(forms.values())))
            elif name in forms:
                tables[f"{place}.{name}"] = _table_of(forms[name])
    for key, field in Recipe.model_fields.items():
        sections = sections_in(field.annotation)
        if sections and (key,) not in SECTION_FORMS:
            tables[key] = _table_of(sections[0])
    return {place: table for place, table in tables.items() if table}


def _whole_table() -> RecipeTree:
    """Return what a recipe has where it says nothing of a section.

    That is the section's form, and its values that the form hasn't by itself.
    """
    table: RecipeTree = {"epochs": DEFAULT_EPOCHS}
    for key, field in Recipe.model_fields.items():
        default = field.default
        if isinstance(default, Section):
            own, form = _dumped(default), _dumped(type(default)())
            differing = {name: value for name, value in own.items() if value != form[name]}
            table[key] = {"name": own["name"], **differing} if "name" in own else differing
        elif default not in (None, ()) and key != "seed":
            table[key] = default
    return table


def _model_tables(name: str, variants: set[str]) -> dict[str, RecipeTree]:
    """Return a network's defaults, and those of its variants where they differ."""
    own = _without_nothing(defaults_of(name, None))
    tables = {f"model.{name}": own}
    for variant in sorted(variants & family_of(name).variants.keys()):
        table = _without_nothing(defaults_of(name, variant))
        if table != {**own, "variant": variant}:
            tables[f"model.{name}.{variant}"] = table
    return tables


def _table_of(form: type[Section]) -> RecipeTree:
    table = _without_nothing(_dumped(form()))
    table.pop("name", None)
    return table


def _dumped(section: Section) -> RecipeTree:
    if isinstance(section, ModelSpec):
        return {"name": section.name}  # the rest is the network's
    return section.model_dump(mode="json")


def _without_nothing(table: Mapping[str, Any]) -> RecipeTree:
    return {key: value for key, value in table.items() if value is not None and value != {}}


# -- putting them under what is written -------------------------------------------------


def with_defaults(tree: Mapping[str, object], defaults: Defaults) -> RecipeTree:
    """Return a recipe's tree with what it leaves out taken from the tables, if there are any."""
    return _fill(recipes.expand(tree), defaults, (), None) if defaults else dict(tree)


def _fill(
    section: Mapping[str, Any], defaults: Defaults, path: tuple[str, ...], default_name: object
) -> RecipeTree:
    name = section.get("name", default_name)
    table = _table_at(defaults, path, name, section.get("variant"))
    full = dict(section) if name is None else {"name": name, **section}
    for key, value in table.items():
        if full.get(key) is None and not (key in LENGTHS and _has_length(full)):
            full[key] = value
    for key, value in full.items():
        if isinstance(value, list) and (*path, key) in LISTED_SECTIONS:
            entries = map(recipes.as_section, value)
            full[key] = [
                _fill(entry, defaults, (*path, key), None) if isinstance(entry, Mapping) else entry
                for entry in entries
            ]
        elif isinstance(value, Mapping) and (*path, key) not in MERGED_WHOLE:
            outer = table.get(key)
            full[key] = _fill(
                value,
                defaults,
                (*path, key),
                outer.get("name") if isinstance(outer, Mapping) else None,
            )
    return full


def _has_length(section: Mapping[str, object]) -> bool:
    return any(section.get(length) is not None for length in LENGTHS)


def _table_at(
    defaults: Defaults, path: tuple[str, ...], name: object, variant: object
) -> Mapping[str, Any]:
    """Return the table of a section: of its variant, of its form, or the only one."""
    place = ".".join(path) or _WHOLE_RECIPE
    for key in (f"{place}.{name}.{variant}", f"{place}.{name}", place):
        if key in defaults:
            return defaults[key]
    return {}
