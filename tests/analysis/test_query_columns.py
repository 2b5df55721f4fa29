"""That a query is answered from the columns that it speaks of as from all."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from analysis import sql as sql_module
from analysis.query_columns import columns_in
from analysis.sql import query_sql
from study.errors import UserError
from study.results.parquet import write_tables

NAMED = [
    "SELECT count(*) FROM points",
    "SELECT study, point, value FROM points WHERE state = 'COMPLETE' ORDER BY value DESC LIMIT 3",
    'SELECT "optimizer.lr" AS lr, VALUE FROM points p ORDER BY lr, p.point',
    "SELECT state, count(*) AS n FROM trials GROUP BY ALL ORDER BY state",
    "SELECT t.trial, p.value FROM points p JOIN trials t USING (study, point) ORDER BY 1",
    "SELECT trial FROM trials WHERE point IN (SELECT point FROM points WHERE value IS NOT NULL)"
    " ORDER BY trial",
    "WITH best AS (SELECT max(value) AS v FROM points) SELECT v FROM best",
    "SELECT point, rank() OVER (ORDER BY value) AS r FROM points ORDER BY point",
    "SELECT CASE WHEN value > 0.5 THEN 'good' ELSE state END AS c FROM points ORDER BY point",
    "SELECT DISTINCT dropped FROM points",
]
OF_ALL = [
    "SELECT * FROM points ORDER BY point",
    "FROM points ORDER BY point",
    "SELECT p FROM points p ORDER BY p.point",
    "SELECT points FROM points ORDER BY point",
    "SELECT point FROM points WHERE points IS NOT NULL ORDER BY point",
    "SELECT count(DISTINCT p) AS n FROM points AS P",
    "SELECT count(*) AS n FROM points NATURAL JOIN trials",
    "SELECT COLUMNS('.*_best') FROM points ORDER BY point",
    "SELECT point, value FROM points ORDER BY ALL",
    "SELECT * EXCLUDE (value) FROM points ORDER BY point",
    "SELECT count(COLUMNS(*)) FROM points",
    "SELECT unnest([point]) AS n FROM (FROM points) ORDER BY n",
    "SELECT b FROM points AS p(a, b) ORDER BY b",
    "SUMMARIZE points",
]


@pytest.mark.parametrize("sql", NAMED + OF_ALL)
def test_an_answer_is_that_of_all_columns(
    sql: str, mixed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tables(mixed.paths)
    found = answer_or_refusal(sql, mixed)
    monkeypatch.setattr(sql_module, "columns_in", lambda connection, sql: None)
    assert found == answer_or_refusal(sql, mixed)


def answer_or_refusal(sql: str, study: Any) -> Any:
    try:
        return query_sql(sql, study.paths)
    except UserError as error:
        return str(error)


@pytest.mark.parametrize("sql", NAMED)
def test_what_a_query_names_is_known(sql: str) -> None:
    names = columns_in(duckdb.connect(), sql)
    assert names is not None
    assert "train_loss_last" not in names


@pytest.mark.parametrize("sql", [*OF_ALL, "nonsense", "DROP TABLE points"])
def test_what_may_speak_of_all_columns_reads_all(sql: str) -> None:
    assert columns_in(duckdb.connect(), sql) is None


def test_a_misspelled_column_is_told_the_nearest_of_all(mixed: Any) -> None:
    write_tables(mixed.paths)
    with pytest.raises(UserError, match="nominal_cost"):
        query_sql("SELECT nominal_costs FROM points", mixed.paths)


def test_a_query_that_is_nested_too_deeply_is_refused_in_words(mixed: Any) -> None:
    for depth in (200, 900, 20_000):
        nested = "SELECT " + "1 + (" * depth + "point" + ")" * depth + " FROM points"
        assert answer_or_refusal(nested, mixed)
