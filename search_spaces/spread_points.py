"""Points spread evenly over a space: choices and branches in turn, ranges covered as evenly as the
number of points allows.

Of a variable's first 2, 4, 8 … values one lies in each half, quarter, eighth … of its range, in an
order of its own. That is the base-2 sequence of van der Corput with nested scrambling (Owen 1995,
https://doi.org/10.1007/978-1-4612-2552-2_19), one for each variable, so that any few points are
about a Latin hypercube. A variable of a branch counts only the points in which it exists.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterator, Sequence

from search_spaces.distributions import step_value, steps_between
from search_spaces.space import Space
from search_spaces.values import Scalar, Value

_DIGITS = 32
"""Binary digits of a number between 0 and 1."""


def spread_points(space: Space, seed: str) -> Iterator[dict[str, Value]]:
    """Give the points of a space in their order, without end; ``seed`` decides which they are."""
    trial = _SpreadTrial(seed)
    while True:
        trial.begin_point()
        yield space.ask(trial)


class _SpreadTrial:
    """Answers as an Optuna trial does, one point after the other."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._asked: Counter[str] = Counter()
        """In how many points each variable existed."""
        self._combinations = 1
        """How many there are of the choices that were asked for in this point."""

    def begin_point(self) -> None:
        self._combinations = 1

    def suggest_categorical(self, name: str, choices: Sequence[Scalar]) -> Scalar:
        """Take the choices in turn.

        Where they would always meet the same combinations of the choices before, they move on by
        one after each round: so two variables of two choices come to all four combinations.
        """
        turn = _hash_of(self._seed, name) + self._position(name)
        if math.gcd(self._combinations, len(choices)) > 1:
            turn += (self._asked[name] - 1) // math.lcm(self._combinations, len(choices))
        self._combinations *= len(choices)
        return choices[turn % len(choices)]

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None, log: bool
    ) -> float:
        share = self._share(name)
        if step is not None:
            return step_value(low, step, int(share * (steps_between(low, high, step) + 1)))
        if log:
            value = math.exp(_between(math.log(low), math.log(high), share))
        else:
            value = _between(low, high, share)
        return min(max(value, low), high)

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        share = self._share(name)
        if log:
            # each integer gets what lies nearer to it than to its neighbors, as Optuna has it
            exponent = _between(math.log(low - 0.5), math.log(high + 0.5), share)
            return min(max(round(math.exp(exponent)), low), high)
        return low + step * int(share * ((high - low) // step + 1))

    def _position(self, name: str) -> int:
        self._asked[name] += 1
        return self._asked[name] - 1

    def _share(self, name: str) -> float:
        """Return how far into its range a variable's next value lies, from 0 to below 1."""
        return _spread_share(self._position(name), f"{self._seed}/{name}")


def _between(low: float, high: float, share: float) -> float:
    return low + (high - low) * share


def _spread_share(position: int, seed: str) -> float:
    """Return the number at a position of the sequence that ``seed`` scrambles.

    The digits of the position are read backwards. Whether one is flipped depends on those before.
    """
    digits = ""
    for place in range(_DIGITS):
        digit = position >> place & 1
        digits += str(digit ^ _hash_of(seed, digits) & 1)
    return int(digits, 2) / float(1 << _DIGITS)


def _hash_of(seed: str, text: str) -> int:
    return hashlib.sha256(f"{seed}/{text}".encode()).digest()[0]
