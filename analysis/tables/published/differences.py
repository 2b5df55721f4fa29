"""In which settings our trainings of published points are not the published ones."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from analysis.frames import Study
from study.spec.spec import StudySpec
from study.training.recipe.recipe import parse_recipe
from study.training.recipe.recipe_paths import values_by_path


def unlike_notes(study: Study) -> list[str]:
    """A note that a study was trained with other settings than the published, and which; none where
    it was not.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for index, first in enumerate(study.spec.first):
        for path, pair in changed_settings(study.spec, index).items() if first.published else ():
            found.setdefault(path, []).append(pair)
    if not found:
        return []
    told = ", ".join(
        f"{path} {_distinct(ours)} (published {_distinct(theirs)})"
        for path, (ours, theirs) in (
            (path, zip(*pairs, strict=True)) for path, pairs in found.items()
        )
    )
    return [
        f"{study.name} was trained here with other settings than the published: {told}. So the"
        " differences and the ratios of seconds are between unlike trainings, and say nothing of"
        " whether the publication can be repeated."
    ]


def _distinct(values: tuple[str, ...]) -> str:
    return " | ".join(dict.fromkeys(values))


def changed_settings(spec: StudySpec, index: int) -> dict[str, tuple[str, str]]:
    """What ``--set`` changed of an entry of ``first:``: our setting and the published one by recipe
    path, as text.
    """
    ours, theirs = _recipe_of(spec, index), _recipe_of(replace(spec, overrides={}), index)
    return {
        path: (_setting(path, ours.get(path)), _setting(path, theirs.get(path)))
        for path in {**ours, **theirs}
        if ours.get(path) != theirs.get(path)
    }


def _recipe_of(spec: StudySpec, index: int) -> dict[str, Any]:
    """Every value of an entry's recipe by path; what is written where that makes no recipe."""
    tree = spec.recipe_tree(values_by_path(spec.first[index].set))
    recipe, _ = parse_recipe(tree)
    return values_by_path(recipe.model_dump(mode="json") if recipe else tree)


def _setting(path: str, value: Any) -> str:
    """A setting as a reader writes it; without a limit on images all are used."""
    if value is None:
        return "all" if path.endswith("_images") else "none"
    return value if isinstance(value, str) else json.dumps(value)
