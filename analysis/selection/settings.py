"""The settings of a study's points: the recipe's columns that a study varies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import pandas as pd

from analysis.frames import Frames, Study
from analysis.rendering import Header
from search_spaces.space import Variable


def varied_settings(results: Frames) -> list[str]:
    """Return the recipe columns that the studies set and in which points differ.

    Studies set values by their space and by their first points. A constant of one branch is left
    out: the branch's name says it.
    """
    return list(_varied_settings(results))


@lru_cache(maxsize=4)
def _varied_settings(results: Frames) -> tuple[str, ...]:
    points = results.points
    columns: dict[str, None] = {}  # a dict keeps the order that a set loses
    for study in results.studies:
        columns |= dict.fromkeys(_set_columns(study))
    differing = [
        name
        for name in columns
        if name in points.columns and points[name].nunique(dropna=False) > 1
    ]
    return tuple(
        name
        for name in differing
        if points[name].nunique() > 1 or _branch_of(name) not in differing
    )


def _set_columns(study: Study) -> list[str]:
    """Return the recipe columns that a study's space and its first points set."""
    spec = study.spec
    paths = sorted(spec.space.paths())
    for entry in range(len(spec.first)):
        paths += spec.first_values(entry)
    return [spec.kind.column_of(path) for path in paths]


def _branch_of(name: str) -> str:
    """Return the column that names the branch of a setting: ``optimizer.name`` of
    ``optimizer.nesterov``."""
    section = name.rpartition(".")[0]
    return f"{section}.name"


def short_name(name: str) -> str:
    """Return the last part of a setting's name: ``lr``; ``optimizer`` for ``optimizer.name``."""
    return name.removesuffix(".name").rpartition(".")[2]


def setting_headers(names: Sequence[str]) -> list[Header]:
    """Return the headers of recipe columns, shown by their last part where that is no other's."""
    short_names = [short_name(name) for name in names]
    headers = []
    for name, short in zip(names, short_names, strict=True):
        is_clear = short_names.count(short) == 1
        headers.append(Header(name, short=short if is_clear else ""))
    return headers


def is_numeric_setting(values: pd.Series[Any]) -> bool:
    """Return whether a setting's values are numbers, and not yes or no."""
    is_bool = pd.api.types.is_bool_dtype(values)
    return pd.api.types.is_numeric_dtype(values) and not is_bool


def is_log_scaled(results: Frames, name: str) -> bool:
    """Return whether a setting was sampled on a logarithmic scale."""
    variables = _variables_of(results, name)
    return any(getattr(variable.distribution, "log", False) for variable in variables)


def is_unordered(results: Frames, name: str) -> bool:
    """Return whether a setting was sampled from choices, which have no order."""
    variables = _variables_of(results, name)
    has_range = any(hasattr(variable.distribution, "low") for variable in variables)
    return bool(variables) and not has_range


def _variables_of(results: Frames, name: str) -> list[Variable]:
    """Return the variables of the studies' spaces that a recipe column holds."""
    return [variable for study in results.studies for variable in variables_of(study, name)]


def variables_of(study: Study, name: str) -> list[Variable]:
    """Return the variables of a study's space that a column holds, one for each branch it is in."""
    column_of = study.spec.kind.column_of
    return [item for item in study.spec.space.variables if column_of(item.path) == name]
