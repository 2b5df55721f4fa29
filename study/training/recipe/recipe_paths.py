"""The dotted paths of a recipe's fields and sections, and the values of a tree by them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.values import Value
from study.training.recipe.recipe import field_paths

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
