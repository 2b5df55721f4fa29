"""What a study's points would have cost and found under other pruners.

The rows are plain data, those of ``study replay --format json``: the study's own pruner first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.rendering import Cell, Header, Table, make_table

_SECONDS_AN_HOUR = 3600.0

Rule = Mapping[str, Any]
"""A pruner, and what the study would have been under it."""


def replays_table(rules: Sequence[Rule]) -> Table:
    """Return a row for each pruner: its cost, its winner, and what that loses to the real one."""
    hours = max(rule["hours"] for rule in rules)
    scale, unit = (1.0, "h") if hours >= 1 else (_SECONDS_AN_HOUR, "s")
    rows = [_row(rule, rules[0], scale) for rule in rules]
    headers = [
        Header("pruner"),
        Header("epochs"),
        Header("least"),
        Header("most"),
        Header("share", digits=2),
        Header("time", unit, 1),
        Header("money", digits=4),
        Header("winner"),
        Header("loss", digits=4),
        Header("loss at most", digits=4),
        Header("exact"),
    ]
    return make_table("Replay: the same points under other pruners", headers, rows, _notes(rules))


def _row(rule: Rule, own: Rule, scale: float) -> list[Cell]:
    is_open = not rule["exact"]
    winner = None if rule["winner"] is None else f"point {rule['winner']}"
    return [
        rule["pruner"],
        rule["epochs"],
        rule["low"] if is_open else None,
        rule["high"] if is_open else None,
        rule["epochs"] / own["epochs"] if own["epochs"] else None,
        rule["hours"] * scale,
        rule.get("money"),
        winner or ("not known" if is_open else "none"),
        rule["loss"],
        rule["loss_high"] if rule["loss"] is None else None,
        rule["exact"],
    ]


def _notes(rules: Sequence[Rule]) -> list[str]:
    notes = [
        "The first row is what was run. share: of its epochs. time: for which trials held their"
        " workers. loss: by how much the winner is worse than the real one, by the objective; fresh"
        " seeds aren't counted.",
        "The points are held fixed: a sampler that learns from results would have come to others.",
    ]
    if not all(rule["exact"] for rule in rules):
        notes.append(
            "Not exact: the pruner would have let trainings go on that were cut off, or compares"
            " them as they come. Epochs lie between least and most; those shown are of trainings"
            " that go on as they stood."
        )
    return notes
