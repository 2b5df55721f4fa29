"""Every kind of table by its name."""

from __future__ import annotations

from collections.abc import Callable

from analysis.frames import Frames
from analysis.rendering import Table
from analysis.tables.best_of_n import best_of_n
from analysis.tables.confirmation import confirmation
from analysis.tables.costs import cost, failures
from analysis.tables.effects import effects
from analysis.tables.importance import importance_table
from analysis.tables.interactions import interactions
from analysis.tables.leaderboard import leaderboard
from analysis.tables.milestones import milestones
from analysis.tables.published import published
from analysis.tables.time_to_target import time_to_target
from analysis.tables.warnings import warnings_table
from analysis.tables.winners import winners
from search_spaces.validation import alternatives, closest_match
from study.errors import UserError

KINDS: dict[str, Callable[[Frames], Table]] = {
    "leaderboard": leaderboard,
    "milestones": milestones,
    "published": published,
    "effects": effects,
    "interactions": interactions,
    "importance": importance_table,
    "best-of-n": best_of_n,
    "confirmation": confirmation,
    "winners": winners,
    "cost": cost,
    "time-to-target": time_to_target,
    "failures": failures,
    "warnings": warnings_table,
}


def make(kind: str, results: Frames) -> Table:
    """The table of a kind; UserError with the kinds for another word."""
    if kind not in KINDS:
        hint = closest_match(kind, KINDS)
        raise UserError(
            f"a table's kind is {alternatives(KINDS)}, not {kind!r:.60}"
            + (f" (did you mean {hint}?)" if hint else "")
        )
    return KINDS[kind](results)
