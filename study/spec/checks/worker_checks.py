"""What the trainings of several workers may not ask for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from search_spaces.validation import Fault, describe
from study.spec.checks.repeat_checks import places_written
from study.spec.spec import StudySpec

_NOT_SHARED = {
    "execution.mode": ("compile", "eager"),
    "data.skip_broken": (True, "false"),
}
"""Values of a recipe that several workers can't train with, and what they can."""


def worker_faults(spec: StudySpec) -> Iterator[Fault]:
    """Refuse what several workers of a built-in training can't do."""
    if spec.resources.workers.most == 1 or spec.train is not None:
        return
    for path, (refused, accepted) in _NOT_SHARED.items():
        for place, value in places_written(spec, path):
            if value == refused:
                must = f"must be {accepted} where a trial has several workers"
                yield Fault(place, must, describe(value), accepted)
            elif value is not None and place[0] == "space":
                must = "must not be varied where a trial has several workers"
                yield Fault(place, must, describe(value), accepted)
    if spec.resources.workers.may_differ and _may_have_local_norm(spec):
        must = "must be one number where batch norm sees the images of one worker alone"
        found = describe(spec.resources.workers.tree())
        yield Fault(("resources", "workers"), must, found, "model.sync_norm: true")


def _may_have_local_norm(spec: StudySpec) -> bool:
    """Tell whether a point may have a batch norm that isn't synchronized."""
    training, _ = spec.kind.put_together(spec.recipe_tree(spec.space.complete({})))
    if training is None:
        return False
    first = training.values()

    def values(path: str) -> set[Any]:
        """Return what a field may be, or its name where the space varies it."""
        written = {value for _, value in places_written(spec, path) if value is not None}
        return written | {first.get(path)}

    if values("model.sync_norm") == {True} or values("model.norm") == {"none"}:
        return False
    return not values("model.norm_kind") <= {"group", "none"}
