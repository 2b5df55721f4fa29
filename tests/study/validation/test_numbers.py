"""Numbers with bounds: integers without a point, finite numbers, and neither is a bool."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from study.validation import numbers


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (numbers.Natural, 0),
        (numbers.AtLeastOne, 1),
        (numbers.AtLeastTwo, 2),
        (numbers.SamplerSeed, 2**63 - 1),
        (numbers.Fraction, 1),
        (numbers.ZeroOrMore, 0),
        (numbers.AboveZero, 1e-9),
        (numbers.Number, -1e300),
    ],
)
def test_bounds_are_inside_but_for_above_zero(kind: Any, value: float) -> None:
    assert read(kind, value) == value
    assert isinstance(read(numbers.Number, 3), float)


@pytest.mark.parametrize("value", [True, 1.0, "1", None, math.nan])
def test_an_integer_is_nothing_else(value: object) -> None:
    with pytest.raises(ValidationError, match="must be an integer"):
        read(numbers.AtLeastOne, value)


@pytest.mark.parametrize("value", [True, "1", None, math.nan, math.inf])
def test_a_number_is_finite(value: object) -> None:
    with pytest.raises(ValidationError, match="must be a finite number"):
        read(numbers.Number, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (numbers.AboveZero, 0),
        (numbers.Fraction, 1.1),
        (numbers.AtLeastOne, 0),
        (numbers.Natural, 1_000_001),
        (numbers.Reduction, 1),
    ],
)
def test_what_lies_outside_is_refused(kind: Any, value: float) -> None:
    with pytest.raises(ValidationError):
        read(kind, value)
