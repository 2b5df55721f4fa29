"""Draw values uniformly from a space, without a sampler.

They are points to show before there are any, and those that take the place of a sampler's where a
study's rules refuse them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from random import Random

from search_spaces.distributions import step_value, steps_between
from search_spaces.space import Space
from search_spaces.values import Scalar, Value

MOST_DRAWS = 10_000
"""So many points are drawn at most to find those that a study's rules allow."""
FEWEST_PASSING = MOST_DRAWS // 1000
"""At least so many of them have to be allowed."""

Allows = Callable[[dict[str, Value]], bool]
"""Whether a study's rules allow a point with these values by their dotted paths."""


class RandomTrial:
    """Answers as an Optuna trial does, with values drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def suggest_categorical(self, name: str, choices: Sequence[Scalar]) -> Scalar:
        return self.random.choice(choices)

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None, log: bool
    ) -> float:
        if step is not None:
            return step_value(low, step, self.random.randint(0, steps_between(low, high, step)))
        if log:
            value = math.exp(self.random.uniform(math.log(low), math.log(high)))
        else:
            value = self.random.uniform(low, high)
        return min(max(value, low), high)

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        if log:
            # each integer gets what lies nearer to it than to its neighbors, as Optuna has it
            exponent = self.random.uniform(math.log(low - 0.5), math.log(high + 0.5))
            return min(max(round(math.exp(exponent)), low), high)
        return low + step * self.random.randint(0, (high - low) // step)


def passing_draws(space: Space, allows: Allows, seed: int = 0) -> Iterator[dict[str, Value]]:
    """Give those points that ``allows`` lets pass of the first ``MOST_DRAWS`` of a stream."""
    random_trial = RandomTrial(seed)
    for _ in range(MOST_DRAWS):
        values = space.ask(random_trial)
        if allows(values):
            yield values


def count_passing(space: Space, allows: Allows, *, most: int = MOST_DRAWS, seed: int = 0) -> int:
    """Count the points that ``allows`` lets pass among ``MOST_DRAWS``; no more than ``most``."""
    return sum(1 for _ in islice(passing_draws(space, allows, seed), most))
