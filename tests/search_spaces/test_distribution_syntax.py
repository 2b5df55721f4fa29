"""``log: [1e-3, 1]`` and the like: which distribution is meant, or what is wrong with it."""

from __future__ import annotations

import pytest

from search_spaces.distribution_syntax import read_distribution
from search_spaces.distributions import Choice, Distribution, Integer, Real


@pytest.mark.parametrize(
    ("tree", "distribution"),
    [
        ({"choice": ["a", 1, None]}, Choice(("a", 1, None))),
        ({"choice": [1, True]}, Choice((1, True))),
        ({"uniform": [0, 1]}, Real(0.0, 1.0)),
        ({"uniform": [0, 1], "step": 0.25}, Real(0.0, 1.0, step=0.25)),
        ({"log": [1e-3, 1]}, Real(1e-3, 1.0, log=True)),
        ({"int": [1, 9], "step": 2}, Integer(1, 9, step=2)),
        ({"log_int": [1, 64]}, Integer(1, 64, log=True)),
    ],
)
def test_a_distribution_is_read_and_written_back(
    tree: dict[str, object], distribution: Distribution
) -> None:
    assert read_distribution(tree, ("x",)) == (distribution, [])
    assert read_distribution(distribution.tree(), ("x",)) == (distribution, [])


@pytest.mark.parametrize(
    ("tree", "line"),
    [
        ({"choice": []}, "x.choice: must be a list of at least one value; found []"),
        ({"choice": [1, 1.0]}, "x.choice[1]: must not be a choice twice; found 1.0"),
        ({"log": [0, 1]}, "x.log[0]: must be greater than 0 with log; found 0"),
        ({"int": [1, 2.5]}, "x.int[1]: must be an integer; found 2.5"),
        (
            {"uniform": [2, 1]},
            "x.uniform: must be [low, high]; found [2, 1] (did you mean [1, 2]?)",
        ),
        ({"int": [1, 4], "step": 2}, "x.step: must lead from 1 to 4 in whole steps; found 2"),
        (
            {"log": [1, 2], "step": 1},
            "x.step: must be left out with log; found 1; accepted a step with uniform or int",
        ),
        ({"int": [1, 2], "q": 1}, "x.q: must not stand beside int; found 'q'; accepted int | step"),
    ],
)
def test_a_fault_lies_below_the_place_of_the_distribution(
    tree: dict[str, object], line: str
) -> None:
    found, faults = read_distribution(tree, ("x",))
    assert found is None
    assert [str(fault) for fault in faults] == [line]
