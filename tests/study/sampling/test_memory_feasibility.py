"""Which points are expected to fit in memory."""

from __future__ import annotations

import random

from study.sampling.memory_feasibility import MemoryFeasibility


def test_everything_is_expected_to_fit_until_something_has_not() -> None:
    learned = MemoryFeasibility()
    assert learned.expects({"width": 1e9})
    learned.learn({"width": 1.0}, fits=True)
    assert learned.expects({"width": 1e9})


def test_a_limit_is_learned_from_points_on_both_sides() -> None:
    learned, chance = MemoryFeasibility(), random.Random(0)
    for _ in range(40):
        width = chance.uniform(0, 10)
        learned.learn({"width": width, "lr": chance.random()}, fits=width < 5)
    assert learned.expects({"width": 2.0, "lr": 0.5})
    assert not learned.expects({"width": 8.0, "lr": 0.5})


def test_a_branch_that_does_not_fit_is_learned_by_its_parameters_and_its_name() -> None:
    learned = MemoryFeasibility()
    for depth in range(1, 9):
        learned.learn({"model": "resnet", "depth": depth}, fits=False)
        learned.learn({"model": "mlp"}, fits=True)
    assert learned.expects({"model": "mlp"})
    assert not learned.expects({"model": "resnet", "depth": 4})
