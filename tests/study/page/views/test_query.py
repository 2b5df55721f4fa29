"""Questions in SQL: they read the studies, and nothing else, and not for ever."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import pytest

from study.page.views import query as module

from ..served import BROWSER, FULL, Served

COUNT = quote("SELECT study, count(*) AS n FROM trials GROUP BY study ORDER BY study")


def test_an_answer_is_a_table_data_and_csv(served: Served) -> None:
    page = served.page(f"/query?sql={COUNT}")
    assert "<td>mixed</td>" in page
    data = served.data(f"/query.json?sql={COUNT}")
    assert data["rows"] == [{"study": "mixed", "n": 8}, {"study": "thirty", "n": 60}]
    answer = served.ask(f"/query.csv?sql={COUNT}")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert answer.text == "study,n\nmixed,8\nthirty,60\n"


def test_without_a_question_there_is_an_example(served: Served) -> None:
    assert "SELECT study" in served.page("/query")
    assert served.ask("/query.json").status == 400
    assert served.ask("/query.csv").status == 400


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "COPY points TO '/tmp/stolen'",
        "ATTACH '/tmp/x.db'",
        "INSTALL httpfs",
        "SET lock_configuration = false",
        "SELECT 1; SELECT 2",
        "SELECT * FROM duckdb_secrets_nix",
        "DROP VIEW points",
        "x" * 10_001,
    ],
)
def test_nothing_but_the_studies_is_read(served: Served, sql: str) -> None:
    answer = served.ask(
        f"/query.json?sql={quote(sql)}" if len(sql) < 5_000 else f"/query.json?sql={sql[:8000]}"
    )
    assert answer.status == 400
    assert set(answer.data) == {"error"}


def test_a_mistake_is_shown_beside_the_question(served: Served) -> None:
    answer = served.ask("/query?sql=SELECT+nix+FROM+points", FULL | BROWSER)
    assert answer.status == 400
    assert "SELECT nix FROM points</textarea>" in answer.text
    assert 'role="alert"' in answer.text


def test_a_question_without_end_is_broken_off(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_LIMITS", replace(module._LIMITS, seconds=0.5))
    endless = (
        "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    )
    answer = served.ask(f"/query.json?sql={quote(endless)}")
    assert (answer.status, answer.data["error"]) == (400, "the query takes too long; ask for less")


def test_rows_beyond_the_limit_are_left_out_and_said(served: Served) -> None:
    many = quote("SELECT a.epoch FROM epochs a, epochs b, (SELECT 1 FROM epochs LIMIT 100) c")
    data = served.data(f"/query.json?sql={many}")
    assert data["cut"]
    assert len(data["rows"]) == 10_001
    page = served.page(f"/query?sql={many}")
    assert "The first 500 of more than 10,000 rows" in page
