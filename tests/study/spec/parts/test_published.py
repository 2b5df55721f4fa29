"""Published rows: where in a training each stands, and its figures by any metric's name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from study.spec.parts.published import PublishedFigures

ROWS: TypeAdapter[Any] = TypeAdapter(PublishedFigures)


@pytest.mark.parametrize(
    "row",
    [
        {"epoch": 11, "label": "10", "test_accuracy": 0.4889, "seconds": 1054},
        {"end": True, "my_own_metric": 3, "extrapolated": True, "note": "by eye"},
    ],
)
def test_a_row_stays_as_it_was_written(row: dict[str, Any]) -> None:
    read = ROWS.validate_python(row)
    assert read == row
    assert [type(value) for value in read.values()] == [type(value) for value in row.values()]


@pytest.mark.parametrize(
    ("row", "must"),
    [
        ({"val_loss": 1}, "must have either epoch or end: true"),
        ({"epoch": 1, "end": True}, "must have either epoch or end: true"),
        ({"epoch": 1, "labl": "a"}, "must be a known key or a metric"),
        ({"epoch": 1, "Val Loss": 1}, "must be a known key or a metric"),
        ({"epoch": 1, "val_loss": "low"}, "must be a finite number"),
        ({"epoch": 1, "val_loss": True}, "must be a finite number"),
        (3, "must be a mapping"),
    ],
)
def test_a_row_that_says_nothing_sound_is_refused(row: object, must: str) -> None:
    with pytest.raises(ValidationError, match=must):
        ROWS.validate_python(row)
