"""Which figures are metrics, and which way round each is better."""

from __future__ import annotations

from typing import Any

import pytest

from study.journal.trials import Attempt, Trial
from study.results.columns import POINT_COLUMNS, TRIAL_COLUMNS
from study.results.figures import Figures
from study.spec.load import spec_from_tree
from study.training.recipe.metric_catalog import FIXED_COLUMNS

OWN = {
    "study": "s",
    "train": "a:b",
    "objective": [
        {"metric": "iou", "direction": "maximize"},
        {"metric": "odd_loss", "direction": "maximize"},
    ],
    "points": 1,
    "space": {"lr": {"log": [1e-3, 1]}},
}


def trial(*rows: dict[str, Any]) -> Trial:
    return Trial(0, 0, 0, 0, "search", attempts=[Attempt(1, 0.0, 0)], rows=list(rows))


def test_the_fixed_columns_are_those_of_the_tables_but_for_what_a_training_may_report() -> None:
    of_tables = {column.name for column in (*POINT_COLUMNS, *TRIAL_COLUMNS)}
    of_epochs = {"seed", "epoch", "last", "attempt", "time", "seconds", "own_code"}
    reported = {"test_accuracy", "test_loss", "test_f1", "test_top5"}
    assert (of_tables | of_epochs) - reported == FIXED_COLUMNS


def test_whatever_a_function_reports_is_a_metric_also_what_comes_late() -> None:
    figures = Figures.of(spec_from_tree(OWN))
    rows = ({"epoch": 1, "seconds": 1.0, "iou": 0.1}, {"epoch": 2, "seconds": 2.0, "late": 3})
    assert figures.metrics_in([trial(*rows)]) == ["iou", "late"]
    assert Figures().metrics_in([trial({"val_loss": 1.0, "iou": 0.1})]) == ["val_loss"]


@pytest.mark.parametrize(
    ("metric", "is_less_better"),
    [
        ("iou", False),
        ("odd_loss", False),
        ("loss", True),
        ("error", True),
        ("dice_loss", True),
        ("pixel_error", True),
        ("step_seconds", True),
        ("peak_bytes", True),
        ("weight_norm", True),
        ("losses", False),
        ("perplexity", False),
    ],
)
def test_the_objective_says_what_is_better_else_the_name(metric: str, is_less_better: bool) -> None:
    assert Figures.of(spec_from_tree(OWN)).is_less_better(metric) is is_less_better
