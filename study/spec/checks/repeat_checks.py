"""What a new study that is reproducible may not write: trainings that GPUs don't repeat.

Studies that were begun before this was asked of them go on as they began, so it is no part of
reading a study file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from search_spaces.validation import Fault, KeyPath, describe
from study.spec.spec import StudySpec

_MUST = "must let GPUs repeat their figures with reproducible: true"


def repeat_faults(spec: StudySpec) -> list[Fault]:
    """Return what is at fault with a reproducible study on GPUs that is about to begin."""
    if not (spec.reproducible and spec.resources.gpus):
        return []
    return [
        Fault(place, _MUST, describe(value), describe(repeating))
        for path, repeating in spec.kind.repeating_values.items()
        for place, value in places_written(spec, path)
        if value not in (None, repeating)
    ]


def places_written(spec: StudySpec, path: str) -> Iterator[tuple[KeyPath, Any]]:
    """Give each place where a study file can set a recipe's value, with that, or None, or its name
    where the space varies it.
    """
    keys = path.split(".")
    yield ("recipe", *keys), spec.kind.values_by_path(spec.fixed).get(path)
    yield ("overrides", path), spec.overrides.get(path)
    for item in spec.space.items:
        if item.path == path:
            yield ("space", *item.place), keys[-1]
    for index, first in enumerate(spec.first):
        yield ("first", index, "set", *keys), spec.kind.values_by_path(first.set).get(path)
