"""A library's metrics by the names that a study takes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from study.integrations.metric_names import named_metrics
from study.training.own.metrics import checked_metrics


@pytest.mark.parametrize(
    ("logged", "metric"),
    [
        ("val/loss", "val_loss"),
        ("val/F1-macro", "val_f1_macro"),
        ("eval_rouge.L (mid)", "eval_rouge_l_mid"),
        ("_private", "private"),
        ("5_shot", "metric_5_shot"),
        ("Ü", "metric_"),
    ],
)
def test_names_are_brought_to_the_form_that_a_study_takes(logged: str, metric: str) -> None:
    assert named_metrics({logged: 0.5}) == {metric: 0.5}
    assert checked_metrics(named_metrics({logged: 0.5})) == {metric: 0.5}


def test_numbers_are_taken_in_whatever_form_and_the_rest_is_left_out() -> None:
    logged: dict[str, Any] = {
        "tensor": torch.tensor(0.25),
        "numpy": np.float32(0.5),
        "whole": 3,
        "text": "good",
        "flag": True,
        "each_class": [0.1, 0.2],
        "matrix": np.zeros((2, 2)),
        "nothing": None,
    }
    assert named_metrics(logged) == {"tensor": 0.25, "numpy": 0.5, "whole": 3.0}


def test_two_metrics_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="found val/acc and val_acc"):
        named_metrics({"val/acc": 0.5, "loss": 1.0, "val_acc": 0.6})
