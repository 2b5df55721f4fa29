"""Which way each metric is better, known in one place."""

from __future__ import annotations

import math

import pytest

from study.spec.sections import Objective
from study.training.recipe.metric_catalog import (
    MEASURED_METRICS,
    OBJECTIVE_METRICS,
    direction_of,
    is_better,
    is_minimized,
    reaches,
    sign_of,
)


@pytest.mark.parametrize(
    ("metric", "minimized"),
    [
        ("val_loss", True),
        ("test_error", True),
        ("total_seconds", True),
        ("peak_memory_bytes", True),
        ("gradient_norm", True),
        ("parameters", True),
        ("val_accuracy", False),
        ("images_per_second", False),
        ("test_top5", False),
    ],
)
def test_losses_errors_times_and_sizes_are_minimized_and_all_else_maximized(
    metric: str, minimized: bool
) -> None:
    assert is_minimized(metric) is minimized
    assert direction_of(metric) == ("minimize" if minimized else "maximize")


def test_a_value_times_the_sign_is_the_better_the_greater() -> None:
    for direction, better, worse in (("maximize", 0.9, 0.8), ("minimize", 0.1, 0.2)):
        assert is_better(better, worse, direction)
        assert not is_better(worse, better, direction)
        assert not is_better(better, better, direction)
        assert sign_of(direction) * better > sign_of(direction) * worse
        assert reaches(better, worse, direction)
        assert reaches(better, better, direction)
        assert not reaches(worse, better, direction)
        assert not reaches(math.nan, better, direction)


def test_only_what_a_clock_or_a_device_gives_is_measured() -> None:
    assert set(OBJECTIVE_METRICS) >= MEASURED_METRICS
    assert "total_seconds" in MEASURED_METRICS
    assert not MEASURED_METRICS & {"val_accuracy", "val_loss", "parameters"}


def test_an_objective_compares_by_its_own_direction() -> None:
    loss = Objective(metric="val_loss", direction="minimize")
    assert (loss.sign, loss.best([0.3, 0.1, 0.2])) == (-1, 0.1)
    assert loss.is_better(0.1, than=0.2)
    against_nature = Objective(metric="val_loss", direction="maximize")
    assert (against_nature.sign, against_nature.best([0.3, 0.1])) == (1, 0.3)
    assert against_nature.reaches(0.3, target=0.3)
