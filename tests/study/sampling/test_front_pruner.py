"""Stop decisions on several objectives, and fronts worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from study.sampling.front_pruner import FrontPruner, better_than_last, crowding, front_of
from study.sampling.pruning import (
    make_pruner,
)
from study.spec.load import spec_from_tree
from study.spec.sections import Objective

BOTH = (
    Objective(metric="val_accuracy", direction="maximize"),
    Objective(metric="total_seconds", direction="minimize"),
)


def options_of(name: str) -> Any:
    return spec_from_tree(
        {
            "study": "s",
            "points": 1,
            "pruner": name,
            "space": {"optimizer": {"lr": {"log": [1e-4, 1]}}},
        }
    ).pruner


@pytest.mark.parametrize("name", ["asha", "hyperband", "median", "percentile"])
def test_with_two_objectives_the_dominated_are_stopped(name: str) -> None:
    pruner = make_pruner(options_of(name), BOTH, 9, by_number=True)
    assert isinstance(pruner, FrontPruner)
    stopped: dict[int, bool] = {}
    for index in range(30):
        worse = index % 3 == 0
        values = [(0.9 - 0.3 * worse, (10.0 + 20 * worse) * epoch) for epoch in range(1, 9)]
        values = [(accuracy - index / 1000, seconds + index / 10) for accuracy, seconds in values]
        stopped[index] = any(
            pruner.stops(index, epoch, value) for epoch, value in enumerate(values, 1)
        )
    late = range(12, 30)
    assert all(stopped[index] for index in late if index % 3 == 0)


def test_fronts_are_those_worked_out_by_hand() -> None:
    values = np.array([[3, 1], [1, 3], [2, 2], [1, 1], [0, 0], [2, 2]], dtype=float)
    assert front_of(values).tolist() == [0, 0, 0, 1, 2, 0]
    assert better_than_last(values[:5]) == 4
    assert crowding(np.array([[0.0, 4.0], [1.0, 3.0], [4.0, 0.0]])).tolist() == [
        np.inf,
        2.0,
        np.inf,
    ]
