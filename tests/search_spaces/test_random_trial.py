"""Values drawn at random."""

from __future__ import annotations

from search_spaces.distributions import Integer
from search_spaces.random_trial import RandomTrial, count_passing, passing_draws
from search_spaces.space import Space, Variable


def test_dice_keep_to_bounds_and_steps() -> None:
    dice = RandomTrial(0)
    assert all(
        1e-5 <= dice.suggest_float("x", 1e-5, 1e-1, step=None, log=True) <= 1e-1 for _ in range(100)
    )
    assert {dice.suggest_float("x", 0.0, 0.3, step=0.1, log=False) for _ in range(100)} == {
        0.0,
        0.1,
        0.2,
        0.3,
    }
    assert {dice.suggest_int("x", 1, 4, step=1, log=True) for _ in range(200)} == {1, 2, 3, 4}
    assert {dice.suggest_int("x", 0, 6, step=3, log=False) for _ in range(100)} == {0, 3, 6}


def test_of_ten_thousand_draws_those_that_pass_are_given_and_counted() -> None:
    variable = Variable("x", "x", Integer(0, 99), (), ("x",))
    space = Space((variable,))
    passing = [values["x"] for values in passing_draws(space, lambda values: values["x"] == 7)]
    assert set(passing) == {7}
    assert 60 < len(passing) < 140
    assert count_passing(space, lambda values: values["x"] == 7) == len(passing)
    assert count_passing(space, lambda values: True, most=5) == 5
    assert count_passing(space, lambda values: False) == 0
