from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.rendering import Table
from analysis.results import load


def column(shown: Table, name: str) -> list[Any]:
    """The cells of the column with that full name."""
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


def test_two_studies_are_compared_at_equal_budget(mixed: Any, large: Callable[..., Any]) -> None:
    shown = load(mixed.paths).compare(load(large(20, name="other").paths))
    assert "expected best val_accuracy of 1 point" in column(shown, "quantity")
    assert any("study:" in note for note in shown.notes)
