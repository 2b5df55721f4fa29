"""In which settings our trainings of published points are not the published ones."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from analysis.frames import Study
from study.spec.spec import StudySpec
from study.training.recipe.recipe import parse_recipe
from study.training.recipe.recipe_paths import values_by_path


def unlike_notes(study: Study) -> list[str]:
    """Return a note that a study was trained with other settings than the published, and which.

    None where it was not.
    """
    ours: dict[str, list[str]] = {}
    theirs: dict[str, list[str]] = {}
    for entry, first in enumerate(study.spec.first):
        if not first.published:
            continue
        for path, (our_setting, their_setting) in changed_settings(study.spec, entry).items():
            ours.setdefault(path, []).append(our_setting)
            theirs.setdefault(path, []).append(their_setting)
    if not ours:
        return []
    changes = [
        f"{path} {_distinct(ours[path])} (published {_distinct(theirs[path])})" for path in ours
    ]
    return [
        f"{study.name} was trained here with other settings than the published: "
        f"{', '.join(changes)}. So the differences and the ratios of seconds are between unlike"
        " trainings, and say nothing of whether the publication can be repeated."
    ]


def _distinct(texts: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(texts))


def changed_settings(spec: StudySpec, entry: int) -> dict[str, tuple[str, str]]:
    """Return what ``--set`` changed of an entry of ``first:``, by recipe path.

    It is our setting and the published one, as texts.
    """
    ours = _recipe_of(spec, entry)
    theirs = _recipe_of(replace(spec, overrides={}), entry)
    changed = [path for path in {**ours, **theirs} if ours.get(path) != theirs.get(path)]
    return {
        path: (_setting_text(path, ours.get(path)), _setting_text(path, theirs.get(path)))
        for path in changed
    }


def _recipe_of(spec: StudySpec, entry: int) -> dict[str, Any]:
    """Return every value of an entry's recipe by path; what is written where that makes none."""
    tree = spec.recipe_tree(values_by_path(spec.first[entry].set))
    recipe, _ = parse_recipe(tree)
    return values_by_path(recipe.model_dump(mode="json") if recipe else tree)


def _setting_text(path: str, value: Any) -> str:
    """Return a setting as a reader writes it; without a limit on images all are used."""
    if value is None:
        return "all" if path.endswith("_images") else "none"
    return value if isinstance(value, str) else json.dumps(value)
