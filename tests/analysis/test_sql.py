from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.sql import query_sql, render_answer
from study.errors import UserError
from study.files.storage import StoragePath
from study.results import parquet
from study.results.parquet import write_tables


def test_trials_of_several_studies_are_asked_in_sql(mixed: Any, make: Any) -> None:
    other = make(name="other")
    other.complete_point({"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1}, [0.5])
    found = query_sql(
        'select study, count(*) as n, max("val_accuracy_best") as best from trials group by study'
        " order by study",
        storage=mixed.paths.storage,
    )
    assert found.to_pylist() == [
        {"study": "digits-momentum", "n": 11, "best": 0.97},
        {"study": "other", "n": 1, "best": 0.5},
    ]


def test_tables_join(mixed: Any) -> None:
    sql = (
        'select "optimizer.name" as o, avg(e.val_accuracy) from epochs e join trials using (study,'
        " trial) group by o"
    )
    assert query_sql(sql, mixed.paths).num_rows == 2


@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "select * from read_text('/etc/passwd')",
        "copy (select 1) to '/tmp/out.csv'",
        "attach '/tmp/other.db'",
        "install httpfs",
        "create table t as select 1",
        "set enable_external_access = true",
        "select 1; select 2",
        "drop view trials",
        "delete from trials",
        "select getenv('HOME')",
        "selec 1",
        "",
    ],
)
def test_a_query_reads_the_views_and_nothing_else(mixed: Any, sql: str) -> None:
    with pytest.raises(UserError):
        query_sql(sql, mixed.paths)


def test_a_query_cannot_see_the_callers_variables(mixed: Any) -> None:
    import pandas as pd

    secret = pd.DataFrame({"a": [1]})
    with pytest.raises(UserError):
        query_sql("select * from secret", mixed.paths)
    assert len(secret) == 1


def test_an_answer_is_rendered_as_text_csv_and_json(mixed: Any) -> None:
    found = query_sql(
        "select study, value from points where state = 'COMPLETE' order by value", mixed.paths
    )
    assert render_answer(found, "csv").splitlines()[1] == "digits-momentum,0.845"
    assert json.loads(render_answer(found, "json"))["rows"][0]["value"] == 0.845
    assert "digits-momentum" in render_answer(found, "table")


def test_any_type_of_answer_can_be_shown(mixed: Any) -> None:
    sql = """select sum(epochs) as s, list(trial) as l, max(ended) - min(started) as i, 1.5::decimal(5, 2) as d,
             max(started)::date as day, {'a': 1} as struct, 'x'::blob as b, null as nothing from trials"""
    answer = query_sql(sql, mixed.paths)
    for form in ("table", "markdown", "csv", "latex", "html"):
        assert render_answer(answer, form)
    (row,) = json.loads(render_answer(answer, "json"))["rows"]
    assert isinstance(row["s"], int)
    assert row["d"] == 1.5
    assert json.loads(row["l"]) == sorted(json.loads(row["l"]))
    assert row["nothing"] is None


def test_an_answer_has_every_column_that_was_asked_for(mixed: Any) -> None:
    answer = query_sql("select 1 as a, null as b, 2 as a, 3 as a_1", mixed.paths)
    assert answer.column_names == ["a", "b", "a_2", "a_1"]
    assert render_answer(answer, "csv").splitlines() == ["a,b,a_2,a_1", "1,,2,3"]
    joined = query_sql("select p.*, t.* from points p join trials t using (point)", mixed.paths)
    assert len(set(joined.column_names)) == joined.num_columns


def test_a_storage_without_studies_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no study in"):
        query_sql("select 1", storage=tmp_path)


def test_no_more_tables_are_read_than_the_query_speaks_of(
    mixed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tables(mixed.paths)
    expected = query_sql("SELECT count(*) AS n FROM points", mixed.paths).to_pylist()
    read: list[str] = []
    whole = parquet._read_table

    def noted(path: StoragePath, journal_bytes: int, columns: Any = None) -> Any:
        read.append(path.name)
        return whole(path, journal_bytes, columns)

    monkeypatch.setattr(parquet, "_read_table", noted)
    assert query_sql("SELECT count(*) AS n FROM Points", mixed.paths).to_pylist() == expected
    assert read == ["points.parquet"]
    query_sql("SELECT count(*) FROM epochs JOIN trials USING (study, trial)", mixed.paths)
    assert set(read) == {"points.parquet", "trials.parquet", "part-00000.parquet"}


def test_tables_are_renamed_and_dropped_points_left_out_whichever_way_they_are_read(
    mixed: Any,
) -> None:
    mixed.add(event="dropped", point=1)
    write_tables(mixed.paths)
    moved = mixed.paths.folder.rename(mixed.paths.folder.parent / "moved")
    for sql in ("SELECT DISTINCT study, point FROM trials", "SELECT study, point FROM points"):
        rows = query_sql(sql, moved).to_pylist()
        assert {row["study"] for row in rows} == {"moved"}
        assert 1 not in {row["point"] for row in rows}
