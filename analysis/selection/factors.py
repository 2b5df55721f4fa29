"""Factors and their levels: the settings that tables compare, and the points that have them."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Header, cell_text
from analysis.selection.figures import as_cell
from analysis.selection.settings import varied_settings
from search_spaces.values import as_param

_MOST_LEVELS = 8


def factors_of(results: Frames) -> list[str]:
    """Return the settings with a few levels, which can be compared: the scientific ones first."""
    scientific: list[str] = []
    for study in results.studies:
        scientific += study.spec.roles.scientific
    few = [name for name in varied_settings(results) if _has_few_levels(results.points[name])]
    return sorted(few, key=lambda name: name not in scientific)


def _has_few_levels(values: pd.Series[float]) -> bool:
    """Return whether a column has from 2 to MOST_LEVELS levels, each of them more than drawn once.

    Numbers of a continuous range hardly ever repeat: where a third of the points have a value of
    their own, the few values are no levels but few points.
    """
    count = values.nunique(dropna=True)
    if not 2 <= count <= _MOST_LEVELS:
        return False
    return not pd.api.types.is_float_dtype(values) or count < len(values) / 3


def scientific_factor(results: Frames) -> str:
    """Return the first scientific factor of the studies; empty where they have none."""
    for study in results.studies:
        for path in study.spec.roles.scientific:
            if path in results.trials:
                return path
    return ""


def is_tuned_apart(results: Frames, factor: str) -> bool:
    """Return whether each level of a factor was tuned by itself at equal budget.

    That is so of the scientific factor of a method study.
    """
    return all(
        study.spec.mode == "method-study" and factor in study.spec.roles.scientific
        for study in results.studies
    )


def levels_of(results: Frames, rows: pd.DataFrame, factor: str) -> list[Hashable]:
    """Return the levels that rows have: choices in the study file's order, all others sorted."""
    present: list[Hashable] = list(dict.fromkeys(rows[factor].dropna()))
    place = _places_in_study_files(results, factor)
    are_numbers = all(isinstance(level, int | float) for level in present)

    def order(level: Hashable) -> tuple[int, Any]:
        return place.get(level, len(place)), level if are_numbers else str(level)

    return sorted(present, key=order)


def _places_in_study_files(results: Frames, factor: str) -> dict[Hashable, int]:
    """Return the place of each choice of a factor as the study files list them, from 0."""
    written: list[Hashable] = []
    for study in results.studies:
        for variable in study.spec.space.at(factor):
            is_range = hasattr(variable.distribution, "low")
            if not is_range:
                written += [as_param(value) for value in variable.distribution.grid()]
    places: dict[Hashable, int] = {}
    for place, level in enumerate(written):
        places.setdefault(level, place)  # several branches may list one choice
    return places


def has_level(rows: pd.DataFrame, factor: str, level: object) -> pd.Series[bool]:
    """Return which rows have this level of a factor."""
    return (rows[factor] == level).fillna(False).astype(bool)


def level_text(level: object) -> str:
    """Return a level as a reader sees it."""
    return cell_text(as_cell(level), Header(""))


def is_of_branch(results: Frames, name: str, factor: str) -> bool:
    """Return whether a setting exists only within a branch of the factor.

    ``optimizer.momentum`` is so of ``optimizer.name``.
    """
    for study in results.studies:
        space = study.spec.space
        branches = {variable.name for variable in space.at(factor) if variable.branch}
        for item in space.items:
            if study.spec.kind.column_of(item.path) != name:
                continue
            conditions = {branch for branch, _ in item.given}
            if conditions & branches:
                return True
    return False
