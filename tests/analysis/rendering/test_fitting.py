"""Tables in terminals of several widths: every figure is there whole, and no line is too long."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from analysis.rendering import Header, Table, make_table
from analysis.statistics import Estimate

_SETTINGS = ("norm", "learning_rate", "momentum", "weight_decay", "warmup_epochs", "augmentation")


def _leaderboard(rows: int) -> Table:
    """Return a table that is too wide for 120 columns, its seeds the same in all rows."""
    headers = [Header("rank"), Header("point"), Header("val_accuracy"), Header("seeds")]
    headers += [Header(name) for name in _SETTINGS]
    cells = []
    for row in range(rows):
        value = Estimate(0.9 - row / 100, 0.8, 0.95, 3)
        varied = [f"norm_{row}", 0.1234 + row, 0.5678 + row, 0.0012 + row, row, f"flip_{row}"]
        cells.append([row + 1, 7 * row, value, 3, *varied])
    return make_table("Leaderboard", headers, cells, ["A note that says what a reader must know."])


def _shown(table: Table, width: int) -> str:
    console = Console(width=width, file=io.StringIO())
    with console.capture() as captured:
        console.print(table.rich(width))
    return captured.get()


@pytest.mark.parametrize("rows", [1, 3, 20])
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_figure_is_cut_at_any_width(width: int, rows: int) -> None:
    table = _leaderboard(rows)
    shown = _shown(table, width)
    assert "…" not in shown
    assert max(len(line) for line in shown.splitlines()) <= width
    for row in table.texts().rows:
        for text in row:
            assert text in shown


def test_a_table_that_fits_is_shown_whole() -> None:
    shown = _shown(_leaderboard(2), 200)
    (head,) = [line for line in shown.splitlines() if "rank" in line]
    assert head.split() == ["rank", "point", "val_accuracy", "seeds", *_SETTINGS]


def test_what_is_the_same_in_all_rows_is_left_out_first_and_said_below() -> None:
    whole = max(len(line.rstrip()) for line in _shown(_leaderboard(4), 200).splitlines())
    shown = _shown(_leaderboard(4), whole - 1)
    (head,) = [line for line in shown.splitlines() if "rank" in line]
    assert head.split() == ["rank", "point", "val_accuracy", *_SETTINGS]
    assert "· The same in all rows: seeds 3." in shown


def test_few_rows_stand_upright_side_by_side() -> None:
    lines = _shown(_leaderboard(2), 60).splitlines()
    (point,) = [line for line in lines if line.split()[:1] == ["point"]]
    assert point.split() == ["point", "0", "7"]
    (rate,) = [line for line in lines if line.split()[:1] == ["learning_rate"]]
    assert rate.split() == ["learning_rate", "0.1234", "1.123"]


def test_the_parts_of_a_long_table_each_say_which_point_a_row_is() -> None:
    lines = _shown(_leaderboard(20), 60).splitlines()
    heads = [line.split()[:2] for line in lines if line.split()[:1] == ["rank"]]
    assert len(heads) > 1
    assert heads == [["rank", "point"]] * len(heads)
    assert sum(line.split()[:2] == ["20", "133"] for line in lines) == len(heads)


def test_long_texts_are_folded_before_anything_is_left_out() -> None:
    text = "a sentence of many words that no terminal of eighty columns has room for in one line"
    table = make_table("Warnings", [Header("kind"), Header("what")], [["pruning", text]] * 2)
    shown = _shown(table, 60)
    assert " ".join(text.split()) in " ".join(shown.replace("pruning", "").split())
    assert "same in all rows" not in shown


def test_marks_of_rich_are_shown_as_they_are() -> None:
    table = make_table("[red]r[/red]", [Header("a[b]")], [["[bold]x[/bold]"]])
    shown = _shown(table, 80)
    assert "[red]r[/red]" in shown
    assert "a[b]" in shown
    assert "[bold]x[/bold]" in shown
