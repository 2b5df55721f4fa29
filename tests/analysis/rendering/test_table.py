from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from analysis.rendering import FORMS, Header, make_table
from analysis.results import Results, load
from analysis.statistics import Estimate
from analysis.tables.kinds import KINDS, make_kind


@pytest.fixture
def results(mixed: Any) -> Results:
    return load(mixed.paths)


@pytest.mark.parametrize("kind", KINDS)
def test_every_table_has_every_form(results: Results, kind: str) -> None:
    shown = make_kind(kind, results)
    for form in FORMS:
        text = shown.render(form)
        assert text.strip()
        assert "nan" not in text.lower()


def test_csv_and_json_carry_the_interval_in_columns_of_its_own() -> None:
    shown = make_table(
        "t", [Header("a"), Header("b", "s")], [["x", Estimate(1.0, 0.5, 1.5, 3)], ["y", None]]
    )
    rows = list(csv.DictReader(io.StringIO(shown.csv())))
    assert rows[0] == {"a": "x", "b": "1.0", "b_low": "0.5", "b_high": "1.5", "b_n": "3"}
    assert rows[1]["b"] == ""
    assert json.loads(shown.json())["rows"][0]["b_high"] == 1.5


def test_a_column_of_which_nothing_is_known_is_left_out() -> None:
    unknown = Estimate(float("nan"), float("nan"), float("nan"), 0)
    headers = [Header("a"), Header("b"), Header("c", always=True)]
    shown = make_table("t", headers, [["x", unknown, unknown], ["y", float("nan"), unknown]])
    assert [header.name for header in shown.headers] == ["a", "c"]


def test_readers_do_not_see_a_column_of_zeros_and_programs_do() -> None:
    headers = [Header("a"), Header("pairs", unless_zero=True)]
    zeros = make_table("t", headers, [["x", None], ["y", 0], ["z", 0.0]])
    assert "pairs" not in zeros.text()
    assert "pairs" in json.loads(zeros.json())["rows"][0]
    assert "pairs" in make_table("t", headers, [["x", None], ["y", 4]]).text()
