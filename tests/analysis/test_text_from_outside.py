"""Text from outside is shown in every form of a table and in the report, and acts in none."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest

from analysis.plots.svg import as_plot, make_panels, plot_style
from analysis.rendering import Header, make_table
from analysis.rendering.table import FORMS
from analysis.report.report import write_report

HOSTILE = "\x1b]0;owned\x07\u202egnp.exe \x9b2J caf\udce9 <script>alert(1)</script>"


@pytest.mark.parametrize("form", sorted(FORMS))
def test_no_form_of_a_table_acts(form: str) -> None:
    table = make_table(HOSTILE, [Header(HOSTILE)], [[HOSTILE]], [HOSTILE])
    text = table.render(form)
    if form == "json":  # whose readers get the text itself
        assert "\\u001b" in text
        return
    text.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", text)
    assert r"\x1b]0;owned" in text or r"textbackslash{}x1b" in text or r"\\x1b" in text
    assert form not in ("html", "markdown") or "<script" not in text


def test_no_cell_of_the_csv_form_is_a_formula() -> None:
    cells = ["=HYPERLINK(1)", "+1", "-1+2", "@SUM(1)", "plain", -1.5, float("-inf")]
    table = make_table("", [Header("cell")], [[cell] for cell in cells])
    rows = list(csv.reader(io.StringIO(table.csv())))[1:]
    shown = ["'=HYPERLINK(1)", "'+1", "'-1+2", "'@SUM(1)", "plain", "-1.5", "-inf"]
    assert [row[0] for row in rows] == shown


def test_dollar_signs_are_no_mathematics_in_a_plot() -> None:
    with plot_style():
        figure, (axes,) = make_panels()
        axes.set_title(r"$\frac{$ and a$b$")
        plot = as_plot(figure, "dollars", "", "")
    assert r"$\frac{$ and a$b$" in plot.svg


def test_the_report_loads_and_runs_nothing(mixed: Any, tmp_path: Path) -> None:
    page = write_report(mixed.paths.folder, to=tmp_path / "report.html").read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")
    assert "script" not in policy[1]
