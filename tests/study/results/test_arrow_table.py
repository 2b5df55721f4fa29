"""Rows become a table whose columns have the types of the schema, whatever the rows hold."""

from __future__ import annotations

import datetime

import pyarrow as pa

from study.results.arrow_table import arrow_table
from study.results.schema import listed_columns


def test_a_figure_passes_from_a_row_to_its_cell() -> None:
    table = arrow_table("epochs", [{"epoch": 1, "val_accuracy": 0.5}, {"epoch": 2}])
    assert table["val_accuracy"].to_pylist() == [0.5, None]
    assert table["epoch"].to_pylist() == [1, 2]
    assert table["test_loss"].null_count == 2


def test_listed_columns_come_first_and_others_by_name() -> None:
    table = arrow_table("epochs", [{"iou": 0.5, "boxes": 3, "nothing": None}])
    names = [column.name for column in listed_columns("epochs")]
    assert table.column_names == [*names, "boxes", "iou"]
    assert table.schema.field("boxes").type == pa.float64()


def test_a_metric_of_a_study_s_own_has_its_best_and_last_columns_before_the_others() -> None:
    table = arrow_table("trials", [{"val_iou_best": 0.9, "a": 1}], ["val_iou", "val_accuracy"])
    assert table.column_names[-3:] == ["val_iou_best", "val_iou_last", "a"]
    assert table.column_names.count("val_accuracy_best") == 1
    assert "highest val_iou" in table.schema.field("val_iou_best").metadata[b"meaning"].decode()


def test_a_value_that_is_not_of_its_column_s_type_is_missing() -> None:
    rows = [
        {"lr": "fast", "epoch": True, "device": 3, "time": None},
        {"lr": 0.1, "epoch": 2, "device": "cpu", "time": 1.5},
    ]
    table = arrow_table("epochs", rows)
    assert table["lr"].to_pylist() == [None, 0.1]
    assert table["epoch"].to_pylist() == [None, 2]
    assert table["time"].to_pylist()[1] == datetime.datetime.fromtimestamp(1.5, datetime.UTC)
    trials = arrow_table("trials", [{"device": 3, "counted": 1}, {"device": "cpu"}])
    assert trials["device"].to_pylist() == ["3", "cpu"]
    assert trials["counted"].to_pylist() == [None, None]


def test_no_rows_are_a_table_of_the_same_columns() -> None:
    assert arrow_table("points", []).schema == arrow_table("points", [{"point": 0}]).schema
