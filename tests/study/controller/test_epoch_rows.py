"""What a worker may report of an epoch."""

from __future__ import annotations

import math
from typing import Any

import pytest

from study.controller.epoch_rows import fault_in, storable

from ..fake_cluster import Storage, controller_on, curve, drive, small_spec


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None, "0.5"])
def test_a_value_that_is_no_finite_number_never_counts_as_a_result(value: Any) -> None:
    def sick(recipe: dict[str, Any], epoch: int) -> dict[str, Any]:
        row = curve(recipe, epoch)
        return (
            row | {"val_accuracy": value}
            if epoch == 2 and recipe["optimizer"]["name"] == "adam"
            else row
        )

    controller = controller_on(Storage(), small_spec(pruner="none"), keep_going=True)
    drive(controller, curve=sick)
    for point in controller.history.points:
        failed = point.values["optimizer.name"] == "adam"
        assert point.state == ("FAIL" if failed else "COMPLETE")


def test_a_row_without_fault_has_none() -> None:
    assert fault_in({"epoch": 3, "val_accuracy": 0.5}, 3, ["val_accuracy"]) is None
    assert fault_in({"epoch": 1, "seconds": 2}, 1, ["total_seconds"]) is None


@pytest.mark.parametrize(
    ("row", "failure_class", "text"),
    [
        ({"epoch": 4, "val_accuracy": 0.5}, "error", "epoch 4 was reported where epoch 3 was due"),
        ({"epoch": 3}, "error", "val_accuracy must be a number in every epoch's row; found None"),
        ({"epoch": 3, "val_accuracy": True}, "error", "found True"),
        ({"epoch": 3, "val_accuracy": math.inf}, "diverged", "val_accuracy is inf at epoch 3"),
    ],
)
def test_a_fault_says_what_is_wrong_with_the_row(
    row: dict[str, Any], failure_class: str, text: str
) -> None:
    fault = fault_in(row, 3, ["val_accuracy"])
    assert fault is not None
    assert fault.failure_class == failure_class
    assert text in fault.message


def test_what_is_not_finite_is_stored_as_null() -> None:
    assert [storable(value) for value in (0.5, math.nan, -math.inf, "text", 3)] == [
        0.5,
        None,
        None,
        "text",
        3,
    ]
