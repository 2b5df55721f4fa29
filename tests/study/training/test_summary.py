"""What a training comes to as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from study.training.recipe.recipe import Recipe

from .conftest import trained


def test_the_outcome_has_the_figures_of_the_whole(tiny: Callable[..., Recipe]) -> None:
    rows, outcome = trained(tiny())
    summary: Any = outcome.summary
    accuracies = [row["val_accuracy"] for row in rows]
    assert summary["best_epoch"] == 1 + accuracies.index(max(accuracies))
    assert summary["total_seconds"] == rows[-1]["seconds"]
    assert summary["first_epoch_seconds"] == rows[0]["train_seconds"]
    assert (
        min(rows[1]["train_seconds"], rows[2]["train_seconds"]) <= summary["steady_epoch_seconds"]
    )
    assert {
        "test_loss",
        "test_accuracy",
        "test_f1",
        "test_top5",
        "parameters",
        "device",
    } <= summary.keys()
    assert "train 43, validation 5, test 20" in summary["data_fingerprint"]
