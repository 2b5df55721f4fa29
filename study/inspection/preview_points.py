"""Points that a study could propose, drawn before it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from search_spaces.random_trial import RandomTrial
from search_spaces.values import Value, as_param

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

DRAWN_POINTS = 300
"""How many points are looked at for shares of branches, epochs and shapes."""
_LARGEST_GRID = 10_000
"""A larger grid is shown by points drawn from it."""
_MOST_COMPARED = 10_000
"""So many points at most are compared for duplicates."""

PreviewPoint = dict[str, Value]
"""A point's values by their dotted paths."""


def points_of(spec: StudySpec) -> Iterator[PreviewPoint]:
    """Return points in the order in which the study could propose them; only first-only has an end.

    Those of ``first:`` come first.
    """
    for index in range(len(spec.first)):
        yield spec.first_values(index)
    if spec.sampler.name == "grid" and (spec.space.grid_size() or 0) <= _LARGEST_GRID:
        for level in spec.levels():
            yield from spec.space.fix(level).grid()
    elif spec.sampler.name != "first-only":
        yield from _random_points(spec)


def _random_points(spec: StudySpec) -> Iterator[PreviewPoint]:
    """Draw points at random without end, the levels of a method study in turn."""
    spaces = [spec.space.fix(level) for level in spec.levels()]
    random_trial = RandomTrial(spec.sampler.seed)
    while True:
        for space in spaces:
            yield space.ask(random_trial)


def branch_shares(spec: StudySpec) -> list[dict[str, Any]]:
    """Return how often each branch is taken: ``path``, ``branch``, ``share`` of all points."""
    paths = {variable.path for variable in spec.space.variables if variable.branch}
    drawn = DRAWN_POINTS if spec.space.variables else 0
    taken: Counter[tuple[str, Value]] = Counter()
    for point in islice(_random_points(spec), drawn):
        taken.update((path, point[path]) for path in paths if path in point)
    order = spec.space.paths()
    counts = sorted(taken.items(), key=lambda item: order.index(item[0][0]))
    return [
        {"path": path, "branch": branch, "share": count / drawn} for (path, branch), count in counts
    ]


def count_duplicates(spec: StudySpec) -> int:
    """Count how many of as many random points as the study has repeat another; 0 in a grid."""
    if spec.sampler.name in ("grid", "first-only"):
        return 0
    count = min(spec.points, _MOST_COMPARED)
    different = {_key_of(point) for point in islice(_random_points(spec), count)}
    return count - len(different)


def _key_of(point: PreviewPoint) -> tuple[tuple[str, Any], ...]:
    return tuple((path, as_param(value)) for path, value in point.items())
