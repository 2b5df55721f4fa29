"""Factors and their levels: the settings that tables compare, and the points that have them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from analysis.frames import Frames, Study
from analysis.rendering import Header, cell_text
from analysis.selection.figures import as_cell
from analysis.selection.settings import variables_of, varied_settings
from search_spaces.values import as_param

_MOST_LEVELS = 8


class _Null(str):
    """The level of points whose setting was chosen to be null, which their rows leave empty."""


_NULL = _Null("null")


def factors_of(results: Frames) -> list[str]:
    """Return the settings with a few levels, which can be compared: the scientific ones first."""
    scientific = [name for study in results.studies for name in scientific_columns(study)]
    few = [name for name in varied_settings(results) if _has_few_levels(results, name)]
    return sorted(few, key=lambda name: name not in scientific)


def _has_few_levels(results: Frames, name: str) -> bool:
    """Return whether a column has from 2 to MOST_LEVELS levels, each of them more than drawn once.

    Numbers of a continuous range hardly ever repeat: where a third of the points have a value of
    their own, the few values are no levels but few points.
    """
    values = results.points[name]
    count = values.nunique(dropna=not may_be_null(results, name))
    if not 2 <= count <= _MOST_LEVELS:
        return False
    return not pd.api.types.is_float_dtype(values) or count < len(values) / 3


def scientific_columns(study: Study) -> list[str]:
    """Return the tables' columns of a study's scientific factors."""
    return [study.spec.kind.column_of(path) for path in study.spec.roles.scientific]


def scientific_factor(results: Frames) -> str:
    """Return the first scientific factor of the studies, by its column; empty without one."""
    for study in results.studies:
        for name in scientific_columns(study):
            if name in results.trials:
                return name
    return ""


def is_tuned_apart(results: Frames, factor: str) -> bool:
    """Return whether each level of a factor was tuned by itself at equal budget.

    That is so of the scientific factor of a method study.
    """
    return all(
        study.spec.mode == "method-study" and factor in scientific_columns(study)
        for study in results.studies
    )


def levels_of(results: Frames, rows: pd.DataFrame, factor: str) -> list[Hashable]:
    """Return the levels that rows have: choices in the study file's order, all others sorted."""
    present: list[Hashable] = list(dict.fromkeys(rows[factor].dropna()))
    are_numbers = all(isinstance(level, int | float) for level in present)
    if may_be_null(results, factor) and rows[factor].isna().any():
        present.append(_NULL)
    place = _places_in_study_files(results, factor)

    def order(level: Hashable) -> tuple[int, Any]:
        is_number = are_numbers and not isinstance(level, _Null)
        return place.get(level, len(place)), level if is_number else str(level)

    return sorted(present, key=order)


def may_be_null(results: Frames, factor: str) -> bool:
    """Return whether an empty setting is a choice of null, and not that of another branch."""
    variables = [item for study in results.studies for item in variables_of(study, factor)]
    return any(
        not hasattr(item.distribution, "low") and None in item.distribution.grid()
        for item in variables
        if not item.given
    )


def _places_in_study_files(results: Frames, factor: str) -> dict[Hashable, int]:
    """Return the place of each choice of a factor as the study files list them, from 0."""
    written: list[Hashable] = []
    for study in results.studies:
        for variable in variables_of(study, factor):
            is_range = hasattr(variable.distribution, "low")
            if not is_range:
                choices = map(as_param, variable.distribution.grid())
                written += [_NULL if choice is None else choice for choice in choices]
    places: dict[Hashable, int] = {}
    for place, level in enumerate(written):
        places.setdefault(level, place)  # several branches may list one choice
    return places


def has_level(rows: pd.DataFrame, factor: str, level: object) -> pd.Series[bool]:
    """Return which rows have this level of a factor."""
    if isinstance(level, _Null):
        return rows[factor].isna()
    return (rows[factor] == level).fillna(False).astype(bool)


def level_text(level: object) -> str:
    """Return a level as a reader sees it."""
    cell = as_cell(level)
    return _NULL if cell is None else cell_text(cell, Header(""))


def is_of_branch(results: Frames, name: str, factor: str) -> bool:
    """Return whether a setting exists only within a branch of the factor.

    ``optimizer.momentum`` is so of ``optimizer.name``.
    """
    for study in results.studies:
        branches = {item.name for item in variables_of(study, factor) if item.branch}
        for item in study.spec.space.items:
            if study.spec.kind.column_of(item.path) != name:
                continue
            conditions = {branch for branch, _ in item.given}
            if conditions & branches:
                return True
    return False
