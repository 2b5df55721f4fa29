"""The report's section of decisions, from explanations as plain data."""

from __future__ import annotations

from typing import Any

from analysis.report.decisions import decisions_section

STOP = {"trial": 3, "point": 2, "epoch": 1, "text": "Trial 3 was stopped <b>."}
PROPOSAL = {
    "point": 2,
    "by": "model",
    "sampler": "tpe",
    "learned_from": 12,
    "expected": 0.25,
    "novelty": 0.1,
    "nearest": 1,
    "redrawn": [{"why": "memory"}, {"why": "require"}, {"why": "memory"}],
}
OLD = PROPOSAL | {"point": 3, "by": None, "learned_from": None, "expected": None, "redrawn": None}


def account(**changes: Any) -> dict[str, Any]:
    found = {"stops": [STOP], "proposals": [PROPOSAL, OLD], "stop_count": 1, "point_count": 2}
    return {**found, "saving": "", **changes}


def test_stops_are_told_in_their_own_words_and_proposals_by_their_figures() -> None:
    section = decisions_section(account())
    assert section is not None
    (_, stops), (_, proposals) = section.tables
    assert stops.rows == ((3, 2, 1, "Trial 3 was stopped <b>."),)
    assert "&lt;b&gt;" in stops.html()
    assert proposals.rows[0] == (2, "tpe's model", 12, 0.25, 0.1, 1, "2 × memory, 1 × require")
    assert proposals.rows[1] == (3, "tpe, not on record", None, None, 0.1, 1, None)
    assert stops.notes == ()


def test_what_is_left_out_is_counted() -> None:
    section = decisions_section(account(stop_count=900))
    assert section is not None
    assert section.tables[0][1].notes == (
        "The first 1 of 900 stops; study explain NAME --trial N tells of each.",
    )


def test_without_decisions_there_is_no_section() -> None:
    assert decisions_section(account(stops=[], proposals=[])) is None
