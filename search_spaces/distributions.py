"""The distributions of a search space: ``Choice``, ``Real`` and ``Integer``.

Bounds are included, as in Optuna. A list or mapping among the choices is handed to Optuna as JSON
text, since Optuna keeps scalars only; everywhere else it is what the user wrote. Optuna itself is
imported only where its own objects are built.

Each distribution has the same methods: ``suggest`` asks a trial for a value, ``value_of`` reads
one back, ``first`` is the value that stands for all, ``grid`` and ``size`` enumerate, ``probes``
are the values to check against a recipe, ``optuna`` is Optuna's own object, and ``tree`` is what a
study file has.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Protocol, TypeAlias

from search_spaces.values import Scalar, Value, as_param, is_finite_number, is_same_value

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

_PROBED_VALUES = 256
"""Up to so many values of a range are checked one by one; beyond that its ends stand for it."""
_STEP_TOLERANCE = 1e-8


class TrialLike(Protocol):
    """What is asked of an Optuna trial; a fake needs no more."""

    def suggest_categorical(self, name: str, choices: Sequence[Scalar]) -> Scalar: ...

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None, log: bool
    ) -> float: ...

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int: ...


@dataclass(frozen=True)
class Choice:
    """One of ``values``, in no order."""

    values: tuple[Value, ...]

    def suggest(self, trial: TrialLike, name: str) -> Scalar:
        return trial.suggest_categorical(name, [as_param(value) for value in self.values])

    def value_of(self, param: object) -> Value:
        """Return the value that ``param`` stands for, in Optuna's form or its own.

        Raises ValueError where it lies outside.
        """
        for value in self.values:
            if is_same_value(value, param):
                return value
        raise ValueError(f"{param!r} is none of {list(self.values)}")

    @property
    def first(self) -> Value:
        return self.values[0]

    def grid(self) -> Iterator[Value]:
        return iter(self.values)

    def size(self) -> int:
        return len(self.values)

    def probes(self) -> list[tuple[Value, int]]:
        """Return the values to check against a recipe, each with its index in the file's list."""
        return [(value, index) for index, value in enumerate(self.values)]

    def optuna(self) -> BaseDistribution:
        from optuna.distributions import CategoricalDistribution

        return CategoricalDistribution([as_param(value) for value in self.values])

    def tree(self) -> dict[str, object]:
        return {"choice": list(self.values)}

    def __str__(self) -> str:
        return " | ".join(str(as_param(value)) for value in self.values)


@dataclass(frozen=True)
class Real:
    """A float in [low, high]: uniform, on a logarithmic scale, or by ``step`` from ``low``."""

    low: float
    high: float
    log: bool = False
    step: float | None = None

    def suggest(self, trial: TrialLike, name: str) -> float:
        return trial.suggest_float(name, self.low, self.high, step=self.step, log=self.log)

    def value_of(self, param: object) -> float:
        if not is_finite_number(param) or not self.low <= param <= self.high:
            raise ValueError(f"{param!r} lies outside [{self.low}, {self.high}]")
        if self.step is not None:
            steps = (param - self.low) / self.step
            if abs(steps - round(steps)) > _STEP_TOLERANCE:
                raise ValueError(f"{param!r} lies between the steps of {self.step}")
        return float(param)

    @property
    def first(self) -> float:
        return self.low

    def grid(self) -> Iterator[float]:
        """Give the values from ``low`` by ``step``, in the decimals that a user would write."""
        if self.step is None:
            raise ValueError("a continuous distribution has no grid; give it a step")
        low, step = self.low, self.step
        return (step_value(low, step, index) for index in range(self.size() or 0))

    @property
    def last(self) -> float:
        """The highest value of the grid."""
        if self.step is None:
            return self.low
        return step_value(self.low, self.step, (self.size() or 1) - 1)

    def size(self) -> int | None:
        return None if self.step is None else steps_between(self.low, self.high, self.step) + 1

    def probes(self) -> list[tuple[Value, int]]:
        return [(self.low, 0), (self.high, 1)]

    def optuna(self) -> BaseDistribution:
        from optuna.distributions import FloatDistribution

        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def tree(self) -> dict[str, object]:
        tree: dict[str, object] = {"log" if self.log else "uniform": [self.low, self.high]}
        return tree if self.step is None else tree | {"step": self.step}

    def __str__(self) -> str:
        return _range_text(self.low, self.high, self.log, self.step)


@dataclass(frozen=True)
class Integer:
    """An integer in [low, high]: uniform (by ``step`` from ``low``) or on a logarithmic scale."""

    low: int
    high: int
    log: bool = False
    step: int = 1

    def suggest(self, trial: TrialLike, name: str) -> int:
        return trial.suggest_int(name, self.low, self.high, step=self.step, log=self.log)

    def value_of(self, param: object) -> int:
        if not is_finite_number(param) or param != int(param) or not self.low <= param <= self.high:
            raise ValueError(f"{param!r} is no integer in [{self.low}, {self.high}]")
        if (int(param) - self.low) % self.step:
            raise ValueError(f"{param!r} lies between the steps of {self.step}")
        return int(param)

    @property
    def first(self) -> int:
        return self.low

    def grid(self) -> Iterator[int]:
        return iter(range(self.low, self.high + 1, self.step))

    def size(self) -> int:
        return (self.high - self.low) // self.step + 1

    def probes(self) -> list[tuple[Value, int]]:
        ends: list[tuple[Value, int]] = [(self.low, 0), (self.high, 1)]
        if self.size() > _PROBED_VALUES:
            return ends
        between = itertools.islice(self.grid(), 1, self.size() - 1)
        return [*ends[: self.size()], *((value, 1) for value in between)]

    def optuna(self) -> BaseDistribution:
        from optuna.distributions import IntDistribution

        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    def tree(self) -> dict[str, object]:
        tree: dict[str, object] = {"log_int" if self.log else "int": [self.low, self.high]}
        return tree if self.step == 1 else tree | {"step": self.step}

    def __str__(self) -> str:
        return _range_text(self.low, self.high, self.log, None if self.step == 1 else self.step)


Distribution: TypeAlias = Choice | Real | Integer


def steps_between(low: float, high: float, step: float) -> int:
    """Return how many whole steps lie between two bounds, in decimals: 0.9 by 0.1 is nine."""
    return int((Decimal(str(high)) - Decimal(str(low))) // Decimal(str(step)))


def step_value(low: float, step: float, index: int) -> float:
    """Return the value that lies so many steps above ``low``, in decimal arithmetic."""
    return float(Decimal(str(low)) + index * Decimal(str(step)))


def _range_text(low: float, high: float, log: bool, step: float | None) -> str:
    how = ", log" if log else ""
    by = f", step {step:g}" if step is not None else ""
    return f"[{_number_text(low)}, {_number_text(high)}]{how}{by}"


def _number_text(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"
