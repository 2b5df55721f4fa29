"""Notes of proposals, as journals may hold them."""

from __future__ import annotations

from typing import Any

import pytest

from study.journal.proposal_note import checked_note

WHOLE = {"by": "model", "learned_from": 12, "expected": 0.5, "among": 2, "redrawn": ["memory"]}


def test_a_note_comes_back_as_it_was_written() -> None:
    assert checked_note(WHOLE) == WHOLE


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("by", ["model"]),
        ("by", "oracle"),
        ("learned_from", "12"),
        ("among", [2]),
        ("expected", float("nan")),
        ("expected", "0.5"),
        ("redrawn", 3),
    ],
)
def test_what_of_it_is_none_is_left_out(name: str, value: Any) -> None:
    rest = {key: kept for key, kept in WHOLE.items() if key != name}
    assert checked_note({**WHOLE, name: value}) == rest


def test_what_is_no_note_is_an_empty_one() -> None:
    assert checked_note(["by", "model"]) == {}
    assert checked_note(None) == {}
    assert checked_note({"redrawn": [["memory"], "boredom", "require"]}) == {"redrawn": ["require"]}
