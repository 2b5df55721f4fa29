"""Points of a study before it runs: those that it will propose, and others that it could."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from search_spaces.random_trial import MOST_DRAWS, RandomTrial
from search_spaces.values import Value, as_param
from study.sampling.arm import make_arms

if TYPE_CHECKING:
    from study.sampling.proposer import Proposer
    from study.spec.spec import StudySpec

DRAWN_POINTS = 300
"""How many points are looked at for shares of branches, epochs and shapes."""
_LARGEST_GRID = 10_000
"""A larger grid is shown by points drawn from it."""
_MOST_COMPARED = 10_000
"""So many points at most are compared for duplicates."""
_MOST_KNOWN = 100
"""Of so many points at most it is found out which they will be."""

PreviewPoint = dict[str, Value]
"""A point's values by their dotted paths."""


def known_points(spec: StudySpec, most: int) -> list[PreviewPoint]:
    """Return the study's first points as it will propose them, ``most`` at most, as far as no
    result has a say in them.

    They are the entries of ``first:``, and then a grid, points drawn at random, or the spread start
    of a sampler that learns; none of these where the sampler is told of earlier studies first.
    Failures for want of memory and points that a user adds change what follows.
    """
    most = min(most, spec.points)
    if spec.sampler.name == "first-only" or _is_shown_whole(spec):
        return list(islice(points_of(spec), most))
    points: list[PreviewPoint] = []
    proposers = [arm.proposer for arm in make_arms(spec, by_number=True)]
    taken = [0] * len(proposers)
    for entry in range(min(most, len(spec.first))):
        points.append(spec.first_values(entry))
        level = spec.level_of(points[-1])
        if level is not None:
            proposers[level].add(taken[level], points[-1])
            taken[level] += 1
    while len(points) < most:
        arm = taken.index(min(taken))
        proposers[arm].start.is_on = not spec.warm_start
        values = _known_point(proposers[arm], taken[arm])
        if values is None:
            break
        points.append(values)
        taken[arm] += 1
    return points


def _known_point(proposer: Proposer, index: int) -> PreviewPoint | None:
    """Return an arm's point where it doesn't depend on results."""
    return proposer.propose(index) if proposer.ignores_results else proposer.start.point(index)


def points_of(spec: StudySpec) -> Iterator[PreviewPoint]:
    """Return points in the order in which the study could propose them; only first-only has an end.

    Those of ``first:`` come first.
    """
    for index in range(len(spec.first)):
        yield spec.first_values(index)
    if _is_shown_whole(spec):
        for level in spec.levels():
            yield from filter(spec.allows, spec.space.fix(level).iter_grid())
    elif spec.sampler.name != "first-only":
        yield from _random_points(spec)


def _random_points(spec: StudySpec) -> Iterator[PreviewPoint]:
    """Draw points at random, the levels of a method study in turn.

    There is no end of them; but with rules those of ``MOST_DRAWS`` draws that keep them.
    """
    draws = _draws(spec)
    if spec.rules:
        return filter(spec.allows, islice(draws, MOST_DRAWS))
    return draws


def _draws(spec: StudySpec) -> Iterator[PreviewPoint]:
    """Draw points at random without end, whether they keep the rules or not."""
    spaces = [spec.space.fix(level) for level in spec.levels()]
    random_trial = RandomTrial(spec.sampler.seed)
    while True:
        for space in spaces:
            yield space.ask(random_trial)


def _is_shown_whole(spec: StudySpec) -> bool:
    return spec.sampler.name == "grid" and (spec.space.grid_size() or 0) <= _LARGEST_GRID


@dataclass(frozen=True)
class PassingShare:
    """How many points keep the study's rules, of those that were looked at."""

    passing: int
    looked_at: int
    is_grid: bool
    """Whether the whole grid was looked at, or points drawn at random."""

    def __str__(self) -> str:
        what = "points of the grid" if self.is_grid else "draws"
        share = self.passing / self.looked_at
        return f"{self.passing:,} of {self.looked_at:,} {what} pass ({share:.1%})"


def passing_share(spec: StudySpec) -> PassingShare | None:
    """Return how many points keep the rules; None where there are none, or nothing is drawn."""
    if not spec.rules or spec.sampler.name == "first-only":
        return None
    is_grid = _is_shown_whole(spec)
    points = spec.space.iter_grid() if is_grid else islice(_draws(spec), MOST_DRAWS)
    kept = [spec.allows(point) for point in points]
    return PassingShare(sum(kept), len(kept), is_grid)


def branch_shares(spec: StudySpec) -> list[dict[str, Any]]:
    """Return how often each branch is taken: ``path``, ``branch``, ``share`` of all points."""
    paths = {variable.path for variable in spec.space.variables if variable.branch}
    drawn = 0
    taken: Counter[tuple[str, Value]] = Counter()
    for point in islice(_random_points(spec), DRAWN_POINTS if spec.space.variables else 0):
        drawn += 1
        taken.update((path, point[path]) for path in paths if path in point)
    order = spec.space.paths()
    counts = sorted(taken.items(), key=lambda item: order.index(item[0][0]))
    return [
        {"path": path, "branch": branch, "share": count / drawn} for (path, branch), count in counts
    ]


def count_different(spec: StudySpec) -> int | None:
    """Count the different points that the space and the rules allow; None where there are very
    many, or endlessly many.
    """
    size = spec.space.grid_size()
    if size is None or size > _LARGEST_GRID:
        return None
    return sum(map(spec.allows, spec.space.iter_grid()))


@dataclass(frozen=True)
class Duplicates:
    """How many of a study's points repeat another one: the same values with the same seeds."""

    count: int
    is_known: bool
    """Whether all points are known before the study runs; else those that aren't are taken to be
    drawn at random.
    """


def count_duplicates(spec: StudySpec) -> Duplicates:
    """Count how many of the study's points repeat another one; none do in a grid."""
    if spec.sampler.name in ("grid", "first-only"):
        return Duplicates(0, is_known=True)
    points = known_points(spec, _MOST_KNOWN)
    is_known = len(points) == spec.points
    rest = max(0, min(spec.points, _MOST_COMPARED) - len(points))
    keys = [_key_of(point) for point in (*points, *islice(_random_points(spec), rest))]
    return Duplicates(len(keys) - len(set(keys)), is_known)


def _key_of(point: PreviewPoint) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((path, as_param(value)) for path, value in point.items()))
