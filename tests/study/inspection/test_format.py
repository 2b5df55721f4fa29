"""Figures read well."""

from __future__ import annotations

import pytest

from study.inspection.format import (
    aligned_lines,
    bytes_text,
    count_text,
    seconds_text,
    time_text,
)


@pytest.mark.parametrize(
    ("number", "text"),
    [(999, "999 B"), (1234, "1.23 kB"), (5e9, "5 GB"), (3e13, "30 TB")],
)
def test_bytes_read_well(number: float, text: str) -> None:
    assert bytes_text(number) == text


@pytest.mark.parametrize(("number", "text"), [(3.21, "3.21 s"), (600, "10 min"), (36_000, "10 h")])
def test_seconds_read_well(number: float, text: str) -> None:
    assert seconds_text(number) == text


def test_one_thing_is_singular_and_thousands_are_grouped() -> None:
    assert count_text(1, "point") == "1 point"
    assert count_text(0, "trial") == "0 trials"
    assert count_text(1200, "epoch") == "1,200 epochs"


def test_columns_of_a_table_begin_below_each_other() -> None:
    rows = [{"variable": "lr", "values": 1}, {"variable": "momentum", "values": 22}]
    assert aligned_lines(rows) == ["variable  values", "lr        1", "momentum  22"]
    assert aligned_lines([]) == []


def test_a_moment_is_told_in_universal_time() -> None:
    assert time_text(0.4) == "1970-01-01 00:00:00Z"
