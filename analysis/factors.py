"""Factors and their levels: the settings that tables compare, and the points that have them."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Header, shown
from analysis.selection import cell, settings
from search_spaces.values import as_param
from study.results.recipe_columns import recipe_column_name

_MOST_LEVELS = 8


def factors_of(results: Frames) -> list[str]:
    """The settings with a few levels, the scientific ones first."""
    scientific = [path for study in results.studies for path in study.spec.roles.scientific]
    points = results.points
    few = [
        name
        for name in settings(results)
        if 2 <= points[name].nunique(dropna=True) <= _MOST_LEVELS
        and (
            not pd.api.types.is_float_dtype(points[name])
            or points[name].nunique() < len(points) / 3
        )
    ]
    return sorted(few, key=lambda name: name not in scientific)


def scientific(results: Frames) -> str:
    """The scientific factor of the study, where it has one."""
    paths = [
        path
        for study in results.studies
        for path in study.spec.roles.scientific
        if path in results.trials
    ]
    return paths[0] if paths else ""


def tuned_apart(results: Frames, factor: str) -> bool:
    """Whether each level of a factor was tuned by itself at equal budget, as a method study
    does.
    """
    return all(
        study.spec.mode == "method-study" and factor in study.spec.roles.scientific
        for study in results.studies
    )


def levels_of(results: Frames, rows: pd.DataFrame, factor: str) -> list[Hashable]:
    """The levels that rows have, in the order of the study file where that has one."""
    present: list[Hashable] = list(dict.fromkeys(rows[factor].dropna()))
    written: list[Hashable] = []
    for study in results.studies:
        for variable in study.spec.space.at(factor):
            if not hasattr(variable.distribution, "low"):
                written += [as_param(value) for value in variable.distribution.grid()]
    order = {level: position for position, level in reversed(list(enumerate(written)))}
    numbers = all(isinstance(level, int | float) for level in present)
    return sorted(
        present, key=lambda level: (order.get(level, len(order)), level if numbers else str(level))
    )


def is_level(rows: pd.DataFrame, factor: str, level: object) -> pd.Series[bool]:
    return (rows[factor] == level).fillna(False).astype(bool)


def text_of(level: object) -> str:
    value = cell(level)
    return shown(value, Header(""))


def derived(results: Frames, name: str, factor: str) -> bool:
    """Whether a setting exists only within a branch of the factor, as ``optimizer.momentum`` does
    of the optimizer.
    """
    for study in results.studies:
        space = study.spec.space
        branches = {variable.name for variable in space.at(factor) if variable.branch}
        found = [item for item in space.items if recipe_column_name(item.path) == name]
        if any(branch in branches for item in found for branch, _ in item.given):
            return True
    return False
