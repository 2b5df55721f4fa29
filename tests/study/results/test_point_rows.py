"""A point's row: its recipe, what came of its trials, and where it stands."""

from __future__ import annotations

from typing import Any

import pytest

from study.journal.history import History
from study.journal.journal import read_records
from study.results.cells import Row
from study.results.columns import POINT_COLUMNS
from study.results.point_rows import point_rows
from study.results.recipe_cells import RecipeCells
from study.spec.load import load_spec

ADAM = {"optimizer.name": "adam", "accumulation": 1}


def rows_of(study: Any) -> list[Row]:
    spec = load_spec(study.paths.spec)
    return point_rows(History(read_records(study.paths.journal)), spec, RecipeCells(spec))


def test_each_figure_of_a_row_is_a_listed_column(make: Any) -> None:
    study = make()
    study.complete_point({**ADAM, "optimizer.lr": 0.1}, [0.5, 0.7])
    (row,) = rows_of(study)
    assert {column.name for column in POINT_COLUMNS} <= row.keys()
    assert row["optimizer.name"] == "adam"
    assert "seed" not in row


def test_points_are_ranked_by_their_values(make: Any) -> None:
    study = make()
    for rate, values in ((0.1, [0.5, 0.7]), (0.2, [0.9, 0.9]), (0.3, [0.6, 0.6])):
        study.complete_point({**ADAM, "optimizer.lr": rate}, values)
    study.point({**ADAM, "optimizer.lr": 0.4})
    rows = rows_of(study)
    assert [row["value"] for row in rows[:3]] == pytest.approx([0.6, 0.9, 0.6])
    assert [row.get("rank") for row in rows] == [2, 1, 2, None]
    assert [row.get("standing") for row in rows] == [*3 * ["searched"], None]
    assert [row["state"] for row in rows] == [*3 * ["COMPLETE"], "WAITING"]
    assert [(row["replicates"], row["complete"], row["failed"]) for row in rows] == [
        *3 * [(2, 2, 0)],
        (0, 0, 0),
    ]
