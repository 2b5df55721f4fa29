from __future__ import annotations

import json
import math

import pytest

from analysis.rendering import Header, cell_text, format_number, make_table
from analysis.rendering.cells import part_of
from analysis.statistics import Difference, Estimate


def test_numbers_beyond_all_bounds_are_valid_json() -> None:
    shown = make_table("t", [Header("a")], [[float("inf")], [Estimate(float("nan"))]])
    assert json.loads(shown.json())["rows"][0]["a"] == "inf"


@pytest.mark.parametrize(
    ("value", "digits", "signed", "text"),
    [
        (1234, None, False, "1,234"),
        (3, None, True, "+3"),
        (0.123456, None, False, "0.1235"),
        (1234.5, 1, True, "+1,234.5"),
        (math.nan, 2, False, ""),
        (-math.inf, None, False, "−∞"),
    ],
)
def test_numbers_are_written_for_readers(
    value: float, digits: int | None, signed: bool, text: str
) -> None:
    assert format_number(value, digits, signed) == text


def test_an_estimate_is_written_with_its_interval_and_a_difference_with_its_p_value() -> None:
    header = Header("accuracy", digits=2)
    estimate = Estimate(0.5, 0.4, 0.6, 3)
    assert str(Header("time", "s")) == "time [s]"
    assert cell_text(Estimate(0.5), header) == "0.50"
    assert cell_text(estimate, header) == "0.50 [0.40, 0.60]"
    assert cell_text(Difference(estimate, 0.0001), header) == "0.50 [0.40, 0.60] p <0.001"
    assert cell_text(Difference(estimate, 0.04), header) == "0.50 [0.40, 0.60] p 0.040"
    assert cell_text(True, header) == "yes"
    assert cell_text(None, header) == ""


def test_a_difference_is_spread_over_plain_columns() -> None:
    difference = Difference(Estimate(0.5, 0.4, math.inf, 3), 0.04)
    parts = [part_of(difference, suffix) for suffix in ("", "_low", "_high", "_n", "_p")]
    assert parts == [0.5, 0.4, "inf", 3, 0.04]
    assert [part_of("text", suffix) for suffix in ("", "_low", "_p")] == ["text", None, None]
