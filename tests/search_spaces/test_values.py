"""Plain values: which are numbers, which are equal, and how Optuna keeps them."""

from __future__ import annotations

import math

import pytest

from search_spaces.values import as_param, is_finite_number, is_same_value


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "sgd"])
def test_optuna_keeps_a_scalar_as_it_is(value: object) -> None:
    assert as_param(value) is value


def test_optuna_keeps_lists_and_mappings_as_json_whose_keys_are_sorted() -> None:
    assert as_param([5, 8]) == "[5, 8]"
    assert as_param({"b": 1, "a": 2}) == '{"a": 2, "b": 1}'


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (True, 1, False),
        (False, 0.0, False),
        ([5, 8], "[5, 8]", True),
        ("[5, 8", "[5, 8", True),
        ({"fraction": 0.1}, '{"fraction": 0.1}', True),
        ("a", "b", False),
    ],
)
def test_values_are_equal_as_a_user_means_it(one: object, other: object, same: bool) -> None:
    assert is_same_value(one, other) is same
    assert is_same_value(other, one) is same


def test_a_number_is_no_bool_no_text_and_finite() -> None:
    assert is_finite_number(0)
    assert is_finite_number(-1.5)
    assert not any(is_finite_number(value) for value in (True, "1", None, math.nan, -math.inf))
