"""The columns of validation metrics."""

from __future__ import annotations

from collections.abc import Callable

from study.training.epoch_row import validation_columns
from study.training.recipe.recipe import Recipe

from .conftest import trained


def test_validation_metrics_bear_the_names_of_their_columns() -> None:
    metrics = {"loss": 0.5, "accuracy": 0.75, "f1": 0.7, "top5": 1.0}
    plain = {"val_loss": 0.5, "val_accuracy": 0.75, "val_f1": 0.7}
    assert validation_columns(metrics, by_test_set=False) == plain
    twice = plain | {"test_loss": 0.5, "test_accuracy": 0.75, "test_f1": 0.7}
    assert validation_columns(metrics, by_test_set=True) == twice


def test_with_validation_by_test_the_test_figures_stand_in_each_row(
    tiny: Callable[..., Recipe],
) -> None:
    rows, outcome = trained(tiny(data={"validation": "test"}))
    for row in rows:
        assert row["test_accuracy"] == row["val_accuracy"]
        assert row["test_loss"] == row["val_loss"]
    assert outcome.summary["test_accuracy"] == rows[-1]["test_accuracy"]
    assert outcome.summary["validation"] == "test"
