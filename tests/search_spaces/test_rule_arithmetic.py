"""The arithmetic of rules: every result is a number up to 1e300, or it isn't defined."""

from __future__ import annotations

import ast
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces.rule_arithmetic import (
    CALCULATIONS,
    COMPARISONS,
    FUNCTIONS,
    UndefinedError,
    as_number,
    as_truth,
)

NUMBERS = st.integers(-(10**300), 10**300) | st.floats(-1e300, 1e300)


@given(st.sampled_from(sorted(CALCULATIONS, key=str)), NUMBERS, NUMBERS)
def test_any_two_numbers_give_a_number_in_range_or_nothing(
    operation: type[ast.operator], one: float, other: float
) -> None:
    try:
        result = CALCULATIONS[operation](one, other)
    except UndefinedError:
        return
    assert isinstance(result, int | float)
    assert math.isfinite(result)
    assert abs(result) <= 1e300


@pytest.mark.parametrize("value", [True, None, "1", [1], math.inf, math.nan, 10**301])
def test_what_is_no_number_in_range_is_undefined(value: object) -> None:
    with pytest.raises(UndefinedError):
        as_number(value)


@pytest.mark.parametrize("value", [1, 0, None, "true"])
def test_only_true_and_false_are_truths(value: object) -> None:
    with pytest.raises(UndefinedError):
        as_truth(value)


def test_functions_are_those_of_the_study_file() -> None:
    assert (FUNCTIONS["min"](3, 1), FUNCTIONS["max"](3, 1)) == (1, 3)
    assert (FUNCTIONS["abs"](-2), FUNCTIONS["log10"](100)) == (2, 2)


def test_texts_are_compared_with_texts_by_size_and_with_anything_for_equality() -> None:
    assert COMPARISONS[ast.Lt]("a", "b")
    assert not COMPARISONS[ast.Eq]("a", 1)
    with pytest.raises(UndefinedError):
        COMPARISONS[ast.Lt]("a", 1)
