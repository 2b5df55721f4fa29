"""Draw values uniformly from a space, without a sampler: points to show before there are any."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from search_spaces.distributions import step_value, steps_between
from search_spaces.values import Scalar


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
