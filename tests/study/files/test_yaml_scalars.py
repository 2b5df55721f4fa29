"""An unquoted word is read as YAML 1.2 reads it, not as YAML 1.1 does."""

from __future__ import annotations

import math

import pytest

from study.files.yaml_scalars import parse_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 0.001), ("0x1F", 31), ("no", "no"), ("TRUE", True), ("Null", None), ("1_0", "1_0")],
)
def test_a_word_is_what_it_looks_like(text: str, value: object) -> None:
    assert parse_scalar(text) == value
    assert type(parse_scalar(text)) is type(value)


def test_numbers_that_no_file_may_hold_are_told_by_their_value() -> None:
    for text in (".nan", "-.inf", ".INF"):
        assert math.isnan(parse_scalar(text))
    assert parse_scalar("9" * 5000) == 2**63
