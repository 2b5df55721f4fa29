"""Rows in little memory: what comes back is what was put in, and nothing else."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.journal.trials import epoch_rows
from study.journal.trials.epoch_rows import EpochRows

ROW = {"epoch": 1, "attempt": 1, "time": 1.5, "val_loss": 0.25, "steps": 12, "done": True}
FIGURES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
OTHERS = (
    st.integers(-(2**65), 2**65)
    | st.text(st.characters(categories=["Cs"]))
    | st.lists(st.integers() | st.floats(allow_nan=False))
)
ROWS = st.lists(st.dictionaries(st.sampled_from(["epoch", "a", "b", "c"]), FIGURES | OTHERS))


def exactly(rows: Any) -> list[list[tuple[str, type, Any]]]:
    """Rows with their order and types: 1, 1.0 and True are equal else."""
    return [[(name, type(value), value) for name, value in row.items()] for row in rows]


@settings(deadline=None)  # on a busy machine an example takes any time
@given(ROWS)
def test_what_comes_back_is_what_was_put_in(rows: list[dict[str, Any]]) -> None:
    packed = EpochRows(rows)
    assert exactly(packed) == exactly(rows)
    assert exactly(packed[place] for place in range(len(rows))) == exactly(rows)
    assert exactly(packed[1::2]) == exactly(rows[1::2])
    assert packed == rows
    assert packed == EpochRows(rows)


def test_rows_are_cut_replaced_and_put_in() -> None:
    rows = EpochRows(ROW | {"epoch": epoch} for epoch in range(1, 6))
    del rows[3:]
    rows[-1] = ROW | {"epoch": 7}
    rows.insert(0, ROW | {"epoch": 0})
    assert [row["epoch"] for row in rows] == [0, 1, 2, 7]
    del rows[0]
    rows[1:] = [ROW]
    assert rows == [ROW, ROW]
    assert not EpochRows()


def test_a_row_that_was_taken_out_is_ones_own() -> None:
    for row in (ROW, ROW | {"note": "text"}):
        rows = EpochRows([row])
        rows[0]["epoch"] = 9
        assert rows[0] == row


def test_a_row_takes_little_more_than_its_figures() -> None:
    rows = EpochRows([ROW])
    assert sys.getsizeof(rows._rows[0]) < 33 + 8 * len(ROW) + 8


def test_rows_of_ever_other_names_are_kept_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(epoch_rows, "_MOST_LAYOUTS", len(epoch_rows._LAYOUTS) + 1)
    rows = [{"epoch": 1, f"never-seen-{number}": 0.5} for number in range(4)]
    assert EpochRows(rows) == rows
    assert len(epoch_rows._LAYOUTS) == epoch_rows._MOST_LAYOUTS
