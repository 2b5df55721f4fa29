"""How new a point is: its distance from the nearest of those before it, in the search space."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from search_spaces.distributions import Choice, Distribution
from search_spaces.space import Space
from search_spaces.values import Scalar

Params = Mapping[str, Scalar]
"""A point by Optuna's names, of the variables that its branches have."""


@dataclass(frozen=True)
class Neighbor:
    """The nearest of other points, and how far it is: 0 where it is the same, 1 at most."""

    point: int
    distance: float


def nearest(space: Space, params: Params, others: Iterable[tuple[int, Params]]) -> Neighbor | None:
    """The nearest of other points, each with its number; None where there is none."""
    found = [Neighbor(number, distance(space, params, other)) for number, other in others]
    return min(found, key=lambda neighbor: neighbor.distance, default=None)


def distance(space: Space, one: Params, other: Params) -> float:
    """How far two points are from each other, from 0 to 1.

    It is the root mean square over the variables that either has: by how much of its range a
    variable differs, on its own scale. A choice that differs, and a variable that only one of them
    has, count as the whole range.
    """
    squares = [
        _difference(variable.distribution, one.get(variable.name), other.get(variable.name)) ** 2
        for variable in space.variables
        if variable.name in one or variable.name in other
    ]
    return math.sqrt(sum(squares) / len(squares)) if squares else 0.0


def _difference(distribution: Distribution, one: Scalar | None, other: Scalar | None) -> float:
    """By how much of its range a variable differs."""
    if one == other:
        return 0.0
    if one is None or other is None or isinstance(distribution, Choice):
        return 1.0
    low, high = float(distribution.low), float(distribution.high)
    first, second = float(one), float(other)
    if distribution.log:
        low, high, first, second = map(math.log, (low, high, first, second))
    return abs(first - second) / (high - low)
