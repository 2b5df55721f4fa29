"""Every kind of table by its name."""

from __future__ import annotations

from collections.abc import Callable

from analysis.budget import best_of_n
from analysis.confirmation import confirmation
from analysis.costs import cost, failures
from analysis.effects import effects
from analysis.importance import importance_table
from analysis.interactions import interactions
from analysis.leaderboard import leaderboard
from analysis.milestones import milestones
from analysis.published import published
from analysis.query import Results
from analysis.table import Table
from analysis.time_to_target import time_to_target
from analysis.warnings import warnings_table
from analysis.winners import winners
from search_spaces.faults import listed, nearest
from study.errors import UserError

KINDS: dict[str, Callable[[Results], Table]] = {
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


def make(kind: str, results: Results) -> Table:
    """The table of a kind; UserError with the kinds for another word."""
    if kind not in KINDS:
        hint = nearest(kind, KINDS)
        raise UserError(
            f"a table's kind is {listed(KINDS)}, not {kind!r:.60}" + (f" (did you mean {hint}?)" if hint else "")
        )
    return KINDS[kind](results)
