"""How many points a study proposes: what its file says, and what grid, list and levels allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from search_spaces.space import Space
from search_spaces.validation import Fault, alternatives
from study.spec.spec import StudySpec

_LARGEST_GRID = 1_000_000
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
    limit = _point_limit(spec)
    if points is None and limit is not None and limit > _LARGEST_GRID:
        found = f"{limit:,} points of the grid"
        return 1, [Fault(("points",), "must be given for a grid of this size", found)]
    limits = [number for number in (points, limit) if number is not None]
    resolved = min(limits, default=1)
    if spec.mode == "method-study":
        return _even_points(spec, resolved)
    return resolved, []


def _point_limit(spec: StudySpec) -> int | None:
    """Return how many points there are at all; None where there is no end of them.

    Of a grid it is those in it, and the entries of ``first:`` that lie outside it.
    """
    if spec.sampler.name == "first-only":
        return len(spec.first)
    if spec.sampler.name != "grid":
        return None
    entries = [spec.first_params(index) for index in range(len(spec.first))]
    inside = {_as_key(params) for params in entries if params is not None}
    return (spec.space.grid_size() or 0) + len(entries) - len(inside)


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
    sizes = [spec.space.fix(level).grid_size() or 0 for level in spec.levels()]
    if min(sizes) >= budget:
        return []
    must = f"must have at least {budget} points below each level with sampler grid"
    return [Fault(("space",), must, f"levels with {alternatives(map(str, sizes))} points")]
