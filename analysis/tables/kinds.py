"""Every kind of table by its name: a new kind needs its own module and one line of ``KINDS``.

Modules are loaded when a table is made, so that the names alone (the command line's help lists
them) cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from search_spaces.validation import alternatives, closest_match
from study.errors import UserError

if TYPE_CHECKING:
    from analysis.frames import Frames
    from analysis.rendering import Table

KINDS: dict[str, str] = {
    "leaderboard": "analysis.tables.points.leaderboard:leaderboard_table",
    "milestones": "analysis.tables.published.milestones:milestones_table",
    "published": "analysis.tables.published.published:published_table",
    "effects": "analysis.tables.settings.effects:effects_table",
    "interactions": "analysis.tables.settings.interactions:interactions_table",
    "importance": "analysis.tables.settings.importance:importance_table",
    "best-of-n": "analysis.tables.points.best_of_n:best_of_n_table",
    "confirmation": "analysis.tables.points.confirmation:confirmation_table",
    "winners": "analysis.tables.points.winners:winners_table",
    "cost": "analysis.tables.effort.cost:cost_table",
    "time-to-target": "analysis.tables.effort.time_to_target:time_to_target_table",
    "failures": "analysis.tables.effort.failures:failures_table",
    "warnings": "analysis.tables.warnings:warnings_table",
}
"""Each kind's function, ``module:function``, from ``Frames`` to ``Table``."""


def make_kind(kind: str, results: Frames) -> Table:
    """Return the table of a kind; UserError with all kinds for another word."""
    if kind not in KINDS:
        meant = closest_match(kind, KINDS)
        hint = f" (did you mean {meant}?)" if meant else ""
        raise UserError(f"a table's kind is {alternatives(KINDS)}, not {kind!r:.60}{hint}")
    return _function_of(kind)(results)


def _function_of(kind: str) -> Callable[[Frames], Table]:
    """Return the function that makes a kind of table."""
    module, _, name = KINDS[kind].partition(":")
    function: Callable[[Frames], Table] = getattr(import_module(module), name)
    return function
