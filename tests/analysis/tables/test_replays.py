"""The rows of pruners, and what is said below them."""

from __future__ import annotations

from typing import Any

from analysis.tables.replays import replays_table

RULE: dict[str, Any] = {
    "pruner": "none",
    "epochs": 100,
    "hours": 0.5,
    "winner": 3,
    "loss": 0.0,
    "exact": True,
    "low": 100,
    "high": 100,
    "loss_low": 0.0,
    "loss_high": 0.0,
}
OPEN = RULE | {
    "pruner": "asha",
    "epochs": 50,
    "hours": 0.25,
    "winner": None,
    "loss": None,
    "exact": False,
    "low": 40,
    "high": 60,
    "loss_low": None,
    "loss_high": 0.02,
}


def test_what_is_exact_has_no_bounds_and_no_word_of_them() -> None:
    table = replays_table([RULE, RULE | {"epochs": 30, "winner": None, "loss": None}])
    names, rows = table.flat()
    assert names == ["pruner", "epochs", "share", "time", "winner", "loss", "loss at most", "exact"]
    assert rows[0] == ["none", 100, 1.0, 1800.0, "point 3", 0.0, None, True]
    assert rows[1][:5] == ["none", 30, 0.3, 1800.0, "none"]
    assert not any("Not exact" in note for note in table.notes)


def test_what_is_not_known_stands_between_bounds() -> None:
    table = replays_table([RULE | {"hours": 2.0}, OPEN])
    names, rows = table.flat()
    row = dict(zip(names, rows[1], strict=True))
    assert (row["least"], row["most"], row["winner"], row["loss at most"]) == (
        40,
        60,
        "not known",
        0.02,
    )
    assert row["time"] == 0.25  # hours, where there are whole ones
    assert any("Not exact" in note for note in table.notes)
