from __future__ import annotations

import hashlib
from typing import Any

from analysis.report.provenance import sessions_table
from analysis.results import load


def test_each_session_says_who_drove_the_study_with_which_code(mixed: Any) -> None:
    table = sessions_table(load(mixed.paths).study)
    rows = table.frame().to_dict("records")
    assert [row["session"] for row in rows] == [0, 1]
    assert [row["ended by"] for row in rows] == ["interrupted", "complete"]
    assert {row["host"] for row in rows} == {"here"}
    assert rows[0]["packages"] == "ray-study 0.1.0, torch 2.13.0"
    assert "5398031b0c2d" in rows[0]["code"]
    digest = hashlib.sha256(mixed.paths.spec.read_bytes()).hexdigest()
    assert table.notes == (f"Study file version 1, SHA-256 {digest[:16]}…",)
