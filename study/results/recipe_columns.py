"""A column for every field that any recipe can have, by its dotted path.

A section of the recipe has several forms, as an optimizer is sgd or adam. A field that a trial's
form lacks is null there. Where forms give a field different types, the column's type holds both.
"""

from __future__ import annotations

import types
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pyarrow as pa

from study.results.columns import BOOL, INTEGER, NUMBER, TEXT, Column
from study.spec.kinds.built_in import recipe_column_name
from study.training.recipe.recipe import LISTED_SECTIONS, MERGED_WHOLE, Recipe
from study.validation.section import Section, sections_in

_ARROW_TYPES = {bool: BOOL, int: INTEGER, float: NUMBER}
_TypesByPath = dict[str, set[pa.DataType]]


@cache
def recipe_columns() -> tuple[Column, ...]:
    """The columns of all recipes, sorted by the path of their field."""
    types_by_path = _types_of_fields(Recipe, ())
    return tuple(
        Column(
            recipe_column_name(path),
            _common_type(types_by_path[path]),
            f"the recipe's {path}; null where that recipe has no such field",
        )
        for path in sorted(types_by_path)
    )


def _types_of_fields(section: type[Section], at: tuple[str, ...]) -> _TypesByPath:
    """The Arrow types of all fields of a section at path ``at``, and of the sections in it."""
    found: _TypesByPath = defaultdict(set)
    for key, field in section.model_fields.items():
        path = (*at, key)
        forms = sections_in(field.annotation)
        for form in forms:
            for name, types_in_form in _types_of_fields(form, path).items():
                found[name] |= types_in_form
        if not forms or path in MERGED_WHOLE | LISTED_SECTIONS:
            found[".".join(path)] |= _types_of_annotation(field.annotation)
    return found


def _types_of_annotation(annotation: Any) -> set[pa.DataType]:
    """The Arrow types of an annotation's plain members; lists and mappings are JSON text."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _types_of_annotation(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return _union(_types_of_annotation(member) for member in get_args(annotation))
    if origin is Literal:
        return _union(_types_of_annotation(type(value)) for value in get_args(annotation))
    if origin is not tuple and (annotation is type(None) or sections_in(annotation)):
        return set()
    return {_ARROW_TYPES.get(annotation, TEXT)}


def _union(sets: Iterable[set[pa.DataType]]) -> set[pa.DataType]:
    return set().union(*sets)


def _common_type(found: set[pa.DataType]) -> pa.DataType:
    """The one type of a column: numbers meet in float64, anything else in text."""
    if len(found) == 1:
        return next(iter(found))
    return NUMBER if found and found <= {INTEGER, NUMBER} else TEXT
