"""How many points a study proposes: what its file says, and what grid, list and levels allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from search_spaces.space import Space
from search_spaces.validation import Fault, alternatives
from study.spec.spec import StudySpec

_LARGEST_GRID = 1_000_000
_LARGEST_JUDGED_GRID = 100_000
"""So many points of a grid are judged by the study's rules to count those that are left."""
_ENDING_SAMPLERS = ("grid", "first-only")


def points_faults(spec: StudySpec, points: int | None) -> Iterator[Fault]:
    """Demand a number of points, unless there are only so many: of a grid or a list of points."""
    if points is None and spec.sampler.name not in _ENDING_SAMPLERS:
        must = f"must be given with sampler {spec.sampler.name}"
        yield Fault(("points",), must, "nothing", "points: 40")


def resolve_points(spec: StudySpec, points: int | None) -> tuple[int, list[Fault]]:
    """Return how many points the study proposes, and what speaks against that.

    It is ``points``, but no more than there are with grid and first-only.
    """
    size = (spec.space.grid_size() or 0) if spec.sampler.name == "grid" else 0
    if points is None and size > (_LARGEST_JUDGED_GRID if spec.rules else _LARGEST_GRID):
        found = f"{size:,} points of the grid"
        return 1, [Fault(("points",), "must be given for a grid of this size", found)]
    limit = _point_limit(spec, points)
    limits = [number for number in (points, limit) if number is not None]
    resolved = min(limits, default=1)
    if spec.mode == "method-study":
        return _even_points(spec, resolved)
    return resolved, []


def _point_limit(spec: StudySpec, points: int | None) -> int | None:
    """Return how many points there are at all; None where there is no end of them.

    Of a grid it is those in it that the rules allow, and the entries of ``first:`` that lie outside
    it. Nothing is counted beyond ``points``.
    """
    if spec.sampler.name == "first-only":
        return len(spec.first)
    if spec.sampler.name != "grid":
        return None
    entries = [spec.first_params(index) for index in range(len(spec.first))]
    inside = {_as_key(params) for params in entries if params is not None}
    return _allowed_in_grid(spec, spec.space, points) + len(entries) - len(inside)


def _allowed_in_grid(spec: StudySpec, space: Space, most: int | None) -> int:
    """Return how many points of a grid the rules allow, or ``most`` where there are as many.

    Where the grid is too large to be judged, it is as if they allowed all that isn't.
    """
    size = space.grid_size() or 0
    if not spec.rules:
        return size
    judged = islice(space.iter_grid(), _LARGEST_JUDGED_GRID)
    allowed = sum(1 for _ in islice(filter(spec.allows, judged), most))
    return allowed + max(0, size - _LARGEST_JUDGED_GRID)


def _as_key(params: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, str(value)) for name, value in params.items()))


# -- levels of a method study ----------------------------------------------------------


def _even_points(spec: StudySpec, points: int) -> tuple[int, list[Fault]]:
    """Return the most points, up to ``points``, that give each level equally many.

    Entries of ``first:`` that lie in no level come on top of the levels' budgets.
    """
    if spec.sampler.name == "first-only":
        return points, [Fault(("mode",), "must be search with sampler first-only", "method-study")]
    count = _level_count(spec)
    placed = range(min(points, len(spec.first)) if count <= points else 0)
    levels = [spec.level_of(spec.first_values(index)) for index in placed]
    outside = levels.count(None)
    budget = (points - outside) // count
    if not budget:
        return points, [_too_few_points(points, count, outside)]
    for number, level in enumerate(spec.levels()):
        if levels.count(number) > budget:
            name = ", ".join(f"{path} = {value}" for path, value in level.items())
            must = f"must have at most the {budget} points that the level {name} has"
            return points, [Fault(("first",), must, f"{levels.count(number)} entries in it")]
    faults = _small_level_faults(spec, budget) if spec.sampler.name == "grid" else []
    return budget * count + outside, faults


def _level_count(spec: StudySpec) -> int:
    """Return how many levels there are, without listing them: there may be very many."""
    chosen = set(spec.roles.scientific)
    factors = tuple(item for item in spec.space.variables if item.path in chosen)
    return Space(factors).grid_size() or 0


def _too_few_points(points: int, count: int, outside: int) -> Fault:
    apart = f" beside the {outside} entries of first that lie in none" if outside else ""
    must = f"must give each of the {count:,} levels a point{apart}"
    return Fault(("points",), must, str(points), f"{count + outside} | {2 * count + outside} | …")


def _small_level_faults(spec: StudySpec, budget: int) -> list[Fault]:
    """Demand that the grid below each level fills the level's budget."""
    spaces = [spec.space.fix(level) for level in spec.levels()]
    sizes = [_allowed_in_grid(spec, space, budget) for space in spaces]
    if min(sizes) >= budget:
        return []
    must = f"must have at least {budget} points below each level with sampler grid"
    return [Fault(("space",), must, f"levels with {alternatives(map(str, sizes))} points")]
