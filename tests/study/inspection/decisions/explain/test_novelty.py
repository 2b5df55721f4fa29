"""How far points are from each other."""

from __future__ import annotations

import pytest

from study.inspection.decisions.explain.novelty import distance, nearest

from ...small_spec import small

SPACE = small(
    space={
        "optimizer": {
            "one_of": {
                "sgd": {"lr": {"log": [1e-3, 1]}, "momentum": {"uniform": [0.0, 0.9]}},
                "adam": {"lr": {"log": [1e-4, 1e-2]}},
            }
        }
    }
).space
SGD = {"optimizer": "sgd", "optimizer.sgd.lr": 0.1, "optimizer.sgd.momentum": 0.9}


def test_a_point_is_at_no_distance_from_itself() -> None:
    assert distance(SPACE, SGD, SGD) == 0


def test_each_variable_counts_by_its_own_range_and_scale() -> None:
    other = SGD | {"optimizer.sgd.lr": 0.01, "optimizer.sgd.momentum": 0.0}
    assert distance(SPACE, SGD, other) == pytest.approx(((1 / 9 + 1) / 3) ** 0.5)


def test_another_branch_is_as_far_as_can_be() -> None:
    adam = {"optimizer": "adam", "optimizer.adam.lr": 1e-3}
    assert distance(SPACE, SGD, adam) == 1


def test_the_nearest_of_several_is_the_first_that_is() -> None:
    near = SGD | {"optimizer.sgd.momentum": 0.8}
    others = [(0, SGD | {"optimizer.sgd.lr": 1.0}), (1, near), (2, near)]
    found = nearest(SPACE, SGD, others)
    assert found is not None
    assert (found.point, found.distance) == (1, pytest.approx(0.1 / 0.9 / 3**0.5))
    assert nearest(SPACE, SGD, []) is None
