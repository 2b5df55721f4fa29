"""A table's columns are the same in every study, whatever figures a study has of its own."""

from __future__ import annotations

import pyarrow as pa
import pytest

from study.results.columns import BOOL, INTEGER, NUMBER, TEXT
from study.results.schema import (
    TableName,
    arrow_schema,
    best_and_last_columns,
    columns_fingerprint,
    has_best_and_last,
    listed_columns,
    unlisted_column,
)

TABLES: tuple[TableName, ...] = ("points", "trials", "epochs")


@pytest.mark.parametrize("table", TABLES)
def test_no_column_is_listed_twice_and_each_says_what_it_is(table: TableName) -> None:
    columns = listed_columns(table)
    names = [column.name for column in columns]
    assert len(set(names)) == len(names)
    assert all(column.meaning for column in columns)


def test_a_table_s_schema_carries_meanings_units_and_its_own_version() -> None:
    schema = arrow_schema(listed_columns("epochs"))
    assert schema.metadata[b"schema_version"] == b"1"
    assert schema.metadata[b"columns"] == columns_fingerprint().encode()
    field = schema.field("train_seconds")
    assert (field.type, field.metadata[b"unit"]) == (pa.float64(), b"s")
    assert field.metadata[b"meaning"] == b"training time of the epoch"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("val_accuracy", True),
        ("test_loss", True),
        ("train_seconds", False),
        ("lr", False),
        ("val_", False),
        ("gradient_norm", False),
    ],
)
def test_qualities_have_a_best_and_a_last_value(name: str, expected: bool) -> None:
    assert has_best_and_last(name) is expected


def test_the_best_of_a_loss_is_the_lowest() -> None:
    best, last = best_and_last_columns("val_loss", "nat")
    assert (best.name, best.unit) == ("val_loss_best", "nat")
    assert best.meaning.startswith("lowest")
    assert last.name == "val_loss_last"
    assert best_and_last_columns("val_f1")[0].meaning.startswith("highest")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([True, None], BOOL),
        ([1, None, 2.5], NUMBER),
        ([1], NUMBER),
        ([True, 1], NUMBER),
        (["a", 1], TEXT),
        ([None], NUMBER),
    ],
)
def test_a_figure_of_a_study_s_own_is_never_an_integer(
    values: list[object], expected: pa.DataType
) -> None:
    column = unlisted_column("iou", values)
    assert column.type == expected
    assert column.type != INTEGER
