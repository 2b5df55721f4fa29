"""The arithmetic and the comparisons of rules: what they give, and where they aren't defined.

Every number is at most 1e300 on the way, so that no calculation takes long. Only numbers are
calculated with, and only numbers or texts compared by size; true and false are no numbers.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from search_spaces.values import is_same_value

_LARGEST = 1e300
_LARGEST_POWER_BITS = 1_000
"""Beyond so many bits a power of whole numbers isn't calculated: it is larger than 1e300."""

Comparison = Callable[[object, object], bool]


class UndefinedError(Exception):
    """A value that isn't defined, such as a quotient by zero."""


def as_number(value: object) -> int | float:
    """Return a value that is a number in the allowed range; raise UndefinedError otherwise."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UndefinedError
    if not abs(value) <= _LARGEST:  # also where it isn't a number at all
        raise UndefinedError
    return value


def as_truth(value: object) -> bool:
    """Return a value that is true or false; raise UndefinedError otherwise."""
    if not isinstance(value, bool):
        raise UndefinedError
    return value


def _defined(calculate: Callable[..., object]) -> Callable[..., int | float]:
    """Return a calculation that raises UndefinedError where its result isn't a number."""

    def calculated(*numbers: int | float) -> int | float:
        try:
            return as_number(calculate(*numbers))
        except (ArithmeticError, ValueError):
            raise UndefinedError from None

    return calculated


def _power(base: int | float, exponent: int | float) -> object:
    """Return a power, unless it is a whole number so large that it would take long."""
    is_whole = isinstance(base, int) and isinstance(exponent, int)
    grows = is_whole and exponent > 0 and abs(base) > 1
    if grows and exponent * math.log2(abs(base)) > _LARGEST_POWER_BITS:
        raise UndefinedError
    return base**exponent


CALCULATIONS: Mapping[type[ast.operator], Callable[..., int | float]] = {
    ast.Add: _defined(operator.add),
    ast.Sub: _defined(operator.sub),
    ast.Mult: _defined(operator.mul),
    ast.Div: _defined(operator.truediv),
    ast.FloorDiv: _defined(operator.floordiv),
    ast.Mod: _defined(operator.mod),
    ast.Pow: _defined(_power),
}
FUNCTIONS: Mapping[str, Callable[..., int | float]] = {
    "min": _defined(lambda *numbers: min(numbers)),
    "max": _defined(lambda *numbers: max(numbers)),
    "abs": _defined(abs),
    "log10": _defined(math.log10),
}
FUNCTIONS_OF_ONE_NUMBER = ("abs", "log10")


# -- comparing -------------------------------------------------------------------------


def _ordered(compare: Callable[[Any, Any], bool]) -> Comparison:
    """Return a comparison by size, which is defined between two numbers or two texts."""

    def ordered(one: object, other: object) -> bool:
        if isinstance(one, str) and isinstance(other, str):
            return compare(one, other)
        return compare(as_number(one), as_number(other))

    return ordered


def _is_among(one: object, others: object) -> bool:
    return isinstance(others, list) and any(is_same_value(one, other) for other in others)


COMPARISONS: Mapping[type[ast.cmpop], Comparison] = {
    ast.Eq: is_same_value,
    ast.NotEq: lambda one, other: not is_same_value(one, other),
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.In: _is_among,
    ast.NotIn: lambda one, others: not _is_among(one, others),
}
