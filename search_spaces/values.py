"""The plain values of a recipe, of a search space and of Optuna, and when two of them are one."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any, TypeAlias, TypeGuard

Scalar: TypeAlias = bool | int | float | str | None
Value: TypeAlias = Scalar | list[Any] | dict[str, Any]
"""What a field of a recipe may hold."""


def as_param(value: object) -> Scalar:
    """Return a value as Optuna keeps it: a scalar as it is, a list or mapping as JSON text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return json.dumps(value, sort_keys=True)


def is_same_value(one: object, other: object) -> bool:
    """Return whether two values are equal as a user means it.

    1 and 1.0 are, true and 1 are not; a list is equal to its JSON text.
    """
    if type(one) is type(other) and one == other:
        return True
    one, other = _opened(one), _opened(other)
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _opened(value: object) -> object:
    """Return the list or mapping that was kept as JSON text; anything else as it is."""
    if isinstance(value, str) and value[:1] in ("[", "{"):
        with suppress(ValueError):
            return json.loads(value)
    return value


def is_finite_number(value: object) -> TypeGuard[int | float]:
    """Return whether a value is a number proper: no bool, no nan, no infinity."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
