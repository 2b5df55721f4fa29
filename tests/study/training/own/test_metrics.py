"""What may be reported, and the sentences for what may not."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from study.training.own.metrics import checked_metrics, missing_objective, not_finite


@pytest.mark.parametrize(
    "value",
    [
        3,
        3.0,
        np.float32(3),
        np.float64(3),
        np.int64(3),
        np.array(3.0),
        torch.tensor(3.0),
        torch.tensor(3),
        torch.tensor(3.0, requires_grad=True),
        torch.tensor(3.0, dtype=torch.bfloat16),
        Fraction(3),
    ],
)
def test_numbers_of_every_library_are_numbers(value: Any) -> None:
    (plain,) = checked_metrics({"loss": value}).values()
    assert type(plain) in (int, float)
    assert plain == 3


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (True, "found true"),
        (np.bool_(True), "found bool"),
        (torch.tensor(True), "found Tensor"),
        (None, "found nothing"),
        ("0.5", "found '0.5'"),
        ([0.5], "found list"),
        (1j, "found complex"),
        (torch.zeros(2, 3), r"found Tensor of shape \(2, 3\)"),
        (torch.zeros(1), r"found Tensor of shape \(1,\)"),
        (np.zeros(2), r"found ndarray of shape \(2,\)"),
    ],
)
def test_what_is_no_number_is_refused(value: Any, found: str) -> None:
    with pytest.raises(TypeError, match=f"the metric loss must be a number; {found}"):
        checked_metrics({"loss": value})


@pytest.mark.parametrize("name", ["", "Loss", "val loss", "1st", "_x", "é", "a" * 101, 3, None])
def test_a_name_that_is_no_column_is_refused(name: Any) -> None:
    with pytest.raises(ValueError, match="a metric's name must be lower-case letters"):
        checked_metrics({name: 1.0})


@pytest.mark.parametrize(
    "name", ["epoch", "seconds", "last", "trial", "state", "value", "total_seconds"]
)
def test_the_names_of_an_epochs_own_columns_are_refused(name: str) -> None:
    with pytest.raises(
        ValueError, match=f"must not have the name of a column of every table: {name}"
    ):
        checked_metrics({name: 1.0})


def test_metrics_that_are_no_mapping_or_none_or_too_many_are_refused() -> None:
    with pytest.raises(TypeError, match="must be a dict of numbers by name; found float"):
        checked_metrics(0.5)
    with pytest.raises(ValueError, match="at least one"):
        checked_metrics({})
    with pytest.raises(ValueError, match="at most 1000; found 1001"):
        checked_metrics({f"m{number}": 0.0 for number in range(1001)})


def test_an_integer_beyond_64_bits_is_kept_as_a_float() -> None:
    assert checked_metrics({"tokens": 10**30}) == {"tokens": 1e30}


def test_objectives_are_looked_for() -> None:
    assert missing_objective(["loss", "iou"], ["iou"]) == ""
    assert missing_objective(["loss"], ["loss", "iou"]) == "iou"
    assert not_finite({"loss": float("nan"), "iou": 1.0}, ["iou"]) == ""
    assert not_finite({"loss": float("inf"), "iou": 1.0}, ["iou", "loss"]) == "loss"
