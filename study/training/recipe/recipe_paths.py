"""The dotted paths of a recipe's fields and sections, and the values of a tree by them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from search_spaces.validation import FieldPath
from search_spaces.values import Scalar, Value
from study.training.recipe.augmentations import OneAugment
from study.training.recipe.data_catalog import DATA_SETS, FILE_SETS
from study.training.recipe.model import MODEL_NAMES
from study.training.recipe.recipe import (
    MAY_BE_OFF,
    OPEN_MAPPINGS,
    SECTION_FORMS,
    Recipe,
    field_paths,
)
from study.validation.section import FACTORY_FORM, SectionForms

FIELDS = field_paths()
"""Of every form of every section."""


def _sections() -> frozenset[str]:
    found: set[str] = set()
    for field in FIELDS:
        section = field.rpartition(".")[0]
        while section:
            found.add(section)
            section = section.rpartition(".")[0]
    return frozenset(found)


SECTIONS = _sections()


def values_by_path(tree: Mapping[str, Any], at: str = "") -> dict[str, Value]:
    """Return a tree's values by dotted path, opened as far as the recipe has fields."""
    values: dict[str, Value] = {}
    for key, value in tree.items():
        path = f"{at}.{key}" if at else str(key)
        if isinstance(value, Mapping) and (path in SECTIONS or path not in FIELDS):
            values |= values_by_path(value, path)
        else:
            values[path] = value
    return values


def flatten(recipe: Recipe) -> dict[str, Scalar]:
    """Return every field by its dotted path, and the derived ``micro_batch_size``.

    Lists and mappings are JSON text, a list of sections without what they have by default; what is
    off, as stop rules may be, has no fields.
    """
    off = {key for key in MAY_BE_OFF if not getattr(recipe, key)}
    flat: dict[str, Scalar] = {}
    _add_flat(flat, recipe.model_dump(mode="json", exclude=off), ())
    if isinstance(recipe.data.augment, tuple):
        flat["data.augment"] = json.dumps(list(map(_short, recipe.data.augment)), sort_keys=True)
    return flat | {"micro_batch_size": recipe.micro_batch_size}


def _short(section: OneAugment) -> object:
    """Return a section as a user would write it: as its name where all the rest is by default."""
    changed = section.model_dump(mode="json", exclude_defaults=True, exclude={"name"})
    return {"name": section.name, **changed} if changed else section.name


def _add_flat(flat: dict[str, Scalar], value: Any, path: FieldPath) -> None:
    if isinstance(value, dict) and path not in OPEN_MAPPINGS:
        for key, inner in value.items():
            _add_flat(flat, inner, (*path, key))
    else:
        is_scalar = not isinstance(value, dict | list)
        flat[".".join(path)] = value if is_scalar else json.dumps(value)


def fields_of_forms(path: str) -> dict[str, frozenset[str]] | None:
    """Return the fields of each form, by its name, of the section at ``path``.

    None where no section with a name is.
    """
    forms = SECTION_FORMS.get(tuple(path.split(".")))
    if forms is None:
        return None
    names = {"model": MODEL_NAMES, "data": (*DATA_SETS, *FILE_SETS)}.get(path, _known(forms))
    only = next(iter(forms.values()))
    return {name: frozenset(forms.get(name, only).model_fields) - {"name"} for name in names}


def _known(forms: SectionForms) -> tuple[str, ...]:
    """Return the names of a section's forms, but for those of the user's own."""
    return tuple(name for name in forms if name != FACTORY_FORM)
