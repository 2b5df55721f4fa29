"""Faults as lines: where, what must hold, what was found, what would be accepted."""

from __future__ import annotations

import pytest

from search_spaces.validation import (
    Fault,
    alternatives,
    closest_match,
    describe,
    format_path,
    is_below,
    unknown_key_fault,
)


def test_a_fault_is_one_line() -> None:
    fault = Fault(("first", 0, "set", "optimizer.lr"), "must be a number", "'a'", "0.1", "lr")
    assert str(fault) == (
        "first[0].set.optimizer.lr: must be a number; found 'a'; accepted 0.1 (did you mean lr?)"
    )
    assert str(Fault((), "must be a mapping", "3")) == "must be a mapping; found 3"


def test_a_fault_moves_into_the_document_that_holds_it() -> None:
    fault = Fault(("lr",), "must be a number", "'a'", on_key=True).under(("recipe", "optimizer"))
    assert (fault.path, fault.on_key) == (("recipe", "optimizer", "lr"), True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        (True, "true"),
        (1.5, "1.5"),
        ("a", "'a'"),
        ([1, "a"], "[1, 'a']"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, …]"),
        ({}, "an empty mapping"),
        ({"a": 1, "b": 2}, "a mapping with a, b"),
        (10**40, "an integer of more than 30 digits"),
    ],
)
def test_a_value_is_described_as_a_user_would_write_it(value: object, text: str) -> None:
    assert describe(value) == text


def test_no_description_is_long_or_breaks_the_line() -> None:
    assert len(describe("x" * 1000)) == 60
    assert describe({"a\nb": 1}) == "a mapping with a�b"


def test_names_are_listed_until_they_no_longer_help() -> None:
    assert alternatives(["a", "b"]) == "a | b"
    assert alternatives(map(str, range(50))).endswith("39 | … (10 more)")


def test_an_unknown_key_is_answered_with_another_tools_word_or_the_closest_one() -> None:
    assert unknown_key_fault(("lrate",), ["lr", "rate"], {"lrate": "lr"}).nearest == "lr"
    assert unknown_key_fault(("momentun",), ["lr", "momentum"]).nearest == "momentum"
    assert unknown_key_fault(("xyz",), ["lr", "momentum"]).on_key
    assert closest_match("xyz", ["lr", "momentum"]) == ""


def test_a_path_is_below_itself_and_what_holds_it() -> None:
    assert is_below("optimizer.lr", "optimizer")
    assert is_below("optimizer", "optimizer")
    assert not is_below("optimizers", "optimizer")
    assert format_path(("a", 0, 1, "b")) == "a[0][1].b"
