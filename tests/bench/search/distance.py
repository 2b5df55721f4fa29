"""Which recorded point stands for a proposal: the nearest that stands for no other yet."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution

from search_spaces.space import Space


class Distance:
    """The distance of points in a space, squared: over the parameters that both points have.

    A number counts by its place between its bounds, from 0 to 1 and on the scale on which it is
    drawn; another choice counts as 1, so that two ends of a range and two choices are as far apart.
    """

    def __init__(self, space: Space, points: Sequence[Mapping[str, Any]]) -> None:
        self._space = space
        self._distributions = space.all_distributions()
        self._is_choice = np.array(
            [isinstance(each, CategoricalDistribution) for each in self._distributions.values()]
        )
        self._points = np.array([self.coordinates(values) for values in points])  # (N, D)

    def to_all(self, coordinates: np.ndarray) -> np.ndarray:
        """The distances of one place to all points, (D,) -> (N,)."""
        apart = self._points - coordinates  # (N, D), nan where one hasn't the value
        apart = np.where(self._is_choice & ~np.isnan(apart), apart != 0, apart)
        distances: np.ndarray = np.nansum(apart**2, axis=1)
        return distances

    def coordinates(self, values: Mapping[str, Any]) -> np.ndarray:
        """A point's place for each parameter of the space; nan for those that it hasn't."""
        params = self._space.params_of(values)
        if params is None:
            raise ValueError(f"a point must lie in the space; found {values}")
        return np.array(
            [
                _place(distribution, params[name]) if name in params else math.nan
                for name, distribution in self._distributions.items()
            ]
        )


class Stand:
    """Who stands for whom in one repetition.

    Each recorded point stands for one proposal at most, as a training that is done need not be done
    again: else a sampler that comes to like a place would meet the same curve over and over.
    """

    def __init__(self, distance: Distance) -> None:
        self._distance = distance
        self._point_of: dict[bytes, int] = {}

    def point_for(self, values: Mapping[str, Any]) -> int:
        """The recorded point for a proposal: the nearest of those left, the lowest among equals."""
        coordinates = self._distance.coordinates(values)
        key = coordinates.tobytes()
        if key not in self._point_of:
            distances = self._distance.to_all(coordinates)
            distances[list(self._point_of.values())] = math.inf
            self._point_of[key] = int(np.argmin(distances))
        return self._point_of[key]


def _place(distribution: BaseDistribution, value: Any) -> float:
    """A number's place between its bounds, or a choice's among the choices."""
    if isinstance(distribution, CategoricalDistribution):
        return float(distribution.to_internal_repr(value))
    low, high = distribution.low, distribution.high
    if distribution.log:
        low, high, value = math.log(low), math.log(high), math.log(value)
    return (value - low) / (high - low)
