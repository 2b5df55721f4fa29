from __future__ import annotations

from typing import Any

import pytest

from analysis.rendering import Table
from analysis.results import Results, load
from analysis.statistics import Difference, Estimate
from analysis.tables.points.best_of_n import best_of_n_table


def column(shown: Table, name: str) -> list[Any]:
    """The cells of the column with that full name."""
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


def value(cell: Estimate | Difference) -> float:
    return cell.estimate.value if isinstance(cell, Difference) else cell.value


@pytest.fixture
def results(mixed: Any) -> Results:
    return load(mixed.paths)


def test_best_of_n_counts_pruned_points(results: Results) -> None:
    shown = best_of_n_table(results)
    sgd = [
        value(cell)
        for level, cell in zip(*(column(shown, name) for name in BEST), strict=True)
        if level == "sgd"
    ]
    assert sgd == pytest.approx([(0.96 + 0.845 + 0.1) / 3, (0.96 * 2 + 0.845) / 3, 0.96])


BEST = ("optimizer.name", "expected best val_accuracy")
