"""Values drawn at random."""

from __future__ import annotations

from search_spaces.random_trial import RandomTrial


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
