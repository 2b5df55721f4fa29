from __future__ import annotations

from typing import Any

import pytest

from analysis.rendering import Table
from analysis.results import Results, load
from analysis.tables.effort.failures import details_text, failures_table


def column(shown: Table, name: str) -> list[Any]:
    """The cells of the column with that full name."""
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


@pytest.fixture
def results(mixed: Any) -> Results:
    return load(mixed.paths)


def test_failures_name_class_and_outcome(results: Results) -> None:
    shown = failures_table(results)
    assert column(shown, "class") == ["diverged", "out_of_memory"]
    assert column(shown, "details") == ["step 3", "step 3"]


def test_a_failures_traceback_is_left_to_the_logs() -> None:
    assert (
        details_text({"step": 3, "traceback": "Traceback (most recent call last): ..."}) == "step 3"
    )
    assert details_text(None) is None
