"""Why trials were stopped and points proposed, as a section of the report.

An account is plain data: the explanations as ``study explain --format json`` gives them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from analysis.rendering import Cell, Header, Table, make_table
from analysis.report.sections import ReportSection

Account = Mapping[str, Any]
"""A study's explanations, and a sentence on what another pruner would have saved."""


def decisions_section(account: Account) -> ReportSection | None:
    """Return the section of a study's decisions; None where there are none."""
    tables = [("stops", _stops_table(account)), ("proposals", _proposals_table(account))]
    filled = tuple((name, table) for name, table in tables if table.rows)
    return ReportSection("decisions", "Decisions", filled) if filled else None


def _stops_table(account: Account) -> Table:
    """Return a row for each trial that the pruner stopped."""
    stops = account["stops"]
    headers = [Header("trial"), Header("point"), Header("epoch"), Header("why it was stopped")]
    rows: list[list[Cell]] = [
        [stop["trial"], stop["point"], stop["epoch"], stop["text"]] for stop in stops
    ]
    notes = _left_out(account, len(stops), account["stop_count"], "stops", "--trial N")
    return make_table("Trials that the pruner stopped", headers, rows, notes)


def _proposals_table(account: Account) -> Table:
    """Return a row for each point."""
    proposals = account["proposals"]
    headers = [
        Header("point"),
        Header("proposed by"),
        Header("results known"),
        Header("expected", digits=3),
        Header("novelty", digits=2),
        Header("nearest before"),
        Header("turned down before"),
    ]
    notes = _left_out(account, len(proposals), account["point_count"], "points", "--point N")
    notes.append(
        "expected: the chance that tpe gave the point to belong with its better ones. novelty: the"
        " distance from the nearest point before it, 0 where it is the same, 1 at most."
    )
    rows = [_proposal_row(proposal) for proposal in proposals]
    return make_table("How points were proposed", headers, rows, notes)


def _proposal_row(proposal: Mapping[str, Any]) -> list[Cell]:
    by = proposal["by"] or f"{proposal['sampler']}, not on record"
    if by == "model":
        by = f"{proposal['sampler']}'s model"
    redrawn = Counter(draw["why"] for draw in proposal["redrawn"] or ())
    turned_down = ", ".join(f"{count} × {why}" for why, count in redrawn.items())
    return [
        proposal["point"],
        by,
        proposal["learned_from"],
        proposal["expected"],
        proposal["novelty"],
        proposal["nearest"],
        turned_down or None,
    ]


def _left_out(account: Account, shown: int, count: int, what: str, option: str) -> list[str]:
    if shown == count:
        return []
    which = account.get("which", "first")
    return [f"The {which} {shown} of {count} {what}; study explain NAME {option} tells of each."]
