"""Recipe values by dotted path, as a study file's trees hold them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search_spaces.values import Value
from study.training.recipe.recipe import field_paths

FIELDS = field_paths()
SECTIONS = frozenset(path[:end] for path in FIELDS for end, sign in enumerate(path) if sign == ".")


def values_by_path(tree: Mapping[str, Any], at: str = "") -> dict[str, Value]:
    """A tree's values by dotted path, opened as far as the recipe has fields."""
    values: dict[str, Value] = {}
    for key, value in tree.items():
        path = f"{at}.{key}" if at else str(key)
        if isinstance(value, Mapping) and (path in SECTIONS or path not in FIELDS):
            values |= values_by_path(value, path)
        else:
            values[path] = value
    return values
