"""Values become cells that read the same in every table."""

from __future__ import annotations

import datetime

import pytest

from study.results.cells import json_text, text, utc_time


def test_a_time_is_one_in_utc() -> None:
    expected = datetime.datetime(2026, 9, 21, 13, 33, 20, 250_000, tzinfo=datetime.UTC)
    assert utc_time(expected.timestamp()) == expected
    assert utc_time(0.0) == datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
    assert utc_time(None) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ({}, None),
        ([], None),
        ({"b": 1, "a": [1, None]}, '{"a": [1, null], "b": 1}'),
        (False, "false"),
        (0, "0"),
        ("", '""'),
    ],
)
def test_json_of_nothing_is_null(value: object, expected: str | None) -> None:
    assert json_text(value) == expected


def test_text_stays_as_it_is() -> None:
    assert [text(value) for value in ("a", "", None, 1, [1])] == ["a", "", None, "1", "[1]"]
