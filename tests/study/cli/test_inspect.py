"""Commands that look, by what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from analysis.tables.kinds import KINDS
from study.inspection.format import bytes_text

from ...test_walls import loaded_by
from ..command import run
from .mistakes import check_mistake


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("table fake", "Leaderboard"),
        ("table fake --kind failures", ""),
        ("table fake --kind cost --format csv", ","),
        ("table fake --format latex", r"\begin{tabular}"),
        ("status fake", "points   6 of 6"),
        ("list", "fake"),
        ("logs fake", "asked  point 0"),
        ("logs fake --trial 1", "started  trial 1"),
        ("report fake", "wrote studies/fake/report.html"),
    ],
)
def test_every_command_answers(home: Path, words: str, expected: str) -> None:
    assert expected in run(home, *words.split()).stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("table fake --kind leaderbord", "did you mean leaderboard?"),
        ("table fake --format jsn", "did you mean json?"),
        ("query drop", "the query can't be answered"),
        ("logs fake --trial 88", "--trial must be a number below 6"),
        ("compare fake fake --format cvs --to c.csv", "did you mean csv?"),
    ],
)
def test_a_mistake_is_told_plainly(home: Path, words: str, expected: str) -> None:
    check_mistake(home, words, expected)


def test_answers_can_be_read_by_programs(home: Path) -> None:
    status = json.loads(run(home, "status", "fake", "--format", "json").stdout)
    assert (status["points"], status["of"], status["driver"]) == (6, 6, "")
    rows = run(home, "query", "select count(*) as n from trials", "--format", "csv").stdout
    assert rows.splitlines() == ["n", "6"]


def test_studies_are_listed_with_their_sizes(home: Path) -> None:
    (row,) = json.loads(run(home, "list", "--format", "json").stdout)["rows"]
    files = [path for path in (home / "studies" / "fake").rglob("*") if path.is_file()]
    assert row["size"] == bytes_text(sum(path.stat().st_size for path in files))


def test_every_kind_of_table_is_in_the_help(home: Path) -> None:
    shown = " ".join(run(home, "table", "--help").stdout.split())
    assert f"{', '.join(list(KINDS)[:-1])} or {list(KINDS)[-1]}." in shown.replace("│ ", "")


@pytest.mark.parametrize(
    ("words", "others"),
    [
        (["query", "SELECT count(*) FROM points"], ["torch", "pandas", "scipy", "study.spec.load"]),
        (["table", "fake"], ["torch", "scipy", "sklearn", "matplotlib"]),
        (["report", "fake"], ["torch", "sklearn.inspection", "matplotlib.pyplot"]),
        (["preview", "quickstart"], ["pandas", "pyarrow", "scipy"]),
    ],
)
def test_a_command_loads_no_more_than_it_needs(
    home: Path, words: list[str], others: list[str]
) -> None:
    code = f"""
import contextlib, io, os
import study.cli.main
from study.cli.options import app
os.chdir({str(home)!r})
with contextlib.redirect_stdout(io.StringIO()):
    app({words!r}, standalone_mode=False)
"""
    assert loaded_by(code, "ray", *others) == []


def test_a_preview_of_models_that_were_counted_before_loads_no_torch(home: Path) -> None:
    run(home, "preview", "quickstart")
    code = f"""
import contextlib, io, os
import study.cli.main
from study.cli.options import app
os.chdir({str(home)!r})
with contextlib.redirect_stdout(io.StringIO()) as shown:
    app(["preview", "quickstart"], standalone_mode=False)
assert "storage: about 34.9 MB" in shown.getvalue()
"""
    assert loaded_by(code, "torch") == []


@pytest.mark.parametrize("words", [["compare", "fake", "fake"], ["query", "SELECT 1 AS one"]])
def test_what_goes_to_a_file_says_which(home: Path, words: list[str]) -> None:
    told = run(home, *words, "--format", "csv", "--to", "answer.csv").stdout
    assert told == "wrote answer.csv\n"
    assert "," in (home / "answer.csv").read_text() or "one" in (home / "answer.csv").read_text()
    told = run(home, *words, "--format", "json", "--to", "answer.json").stdout
    assert json.loads(told)["file"] == "answer.json"
    assert json.loads((home / "answer.json").read_text())


def test_a_querys_form_is_what_its_file_ends_in(home: Path) -> None:
    sql = "SELECT point FROM points ORDER BY point"
    for ending, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        run(home, "query", sql, "--to", f"points{ending}")
        assert list(read(home / f"points{ending}")["point"]) == list(range(6))


def test_a_table_in_a_file_is_as_wide_as_its_cells(home: Path) -> None:
    wide = ", ".join(f"'{number:030d}' AS column_{number}" for number in range(60))
    told = run(home, "query", f"SELECT {wide}").stdout
    assert "…" not in told
    assert f"{59:030d}" in told


def test_a_study_that_has_not_begun_says_how_it_begins(home: Path) -> None:
    folder = home / "studies" / "new"
    folder.mkdir()
    spec = (home / "studies" / "fake" / "study.yaml").read_text()
    (folder / "study.yaml").write_text(spec.replace("study: fake", "study: new", 1))
    check_mistake(home, "table new", "study new has not begun; next: study resume new")
