"""The table of published figures, ours, and those of the original run again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from analysis.rendering import Header, Table
from analysis.statistics import Estimate

from .on_a_cpu.cuts import CUTS, Cut
from .on_a_cpu.originals import lines_of, original_rows
from .on_a_cpu.table import FIGURES, HEADERS, has_published_figures, rows_of, rows_of_ours

KERAS = replace(next(cut for cut in CUTS if cut.original), why={"test_loss": "a reason"})
OURS = pd.DataFrame({"epoch": [1, 1, 2, 2], "test_loss": [1.5, 1.6, 1.2, 1.3]})
NOTHING = pd.DataFrame(columns=["seed", "epoch", *FIGURES])


def published(*rows: tuple[Any, ...]) -> Table:
    """What our own table of published figures says."""
    names = ("epoch", "figure", "published", "ours", "our epoch", "seeds", "difference")
    return Table("", tuple(Header(name) for name in names), rows)


def row(cells: list[Any]) -> dict[str, Any]:
    return dict(zip((header.name for header in HEADERS), cells, strict=True))


FAR = Estimate(-2.5, -3.0, -2.0, 2)
NEAR = Estimate(-0.1, -0.5, 0.3, 2)


def test_a_figure_that_differs_has_its_reason_or_that_none_is_known() -> None:
    table = published(
        ("1", "test_loss", 4.0, Estimate(1.55), 1, 2, FAR),
        ("1", "train_loss", 1.6, Estimate(1.55), 1, 2, FAR),
        ("2", "test_loss", 2.0, Estimate(1.25), 2, 2, NEAR),
    )
    why = [row(cells)["why they differ"] for cells in rows_of(KERAS, table, OURS, NOTHING)]
    assert why == ["a reason", "not known", None]


def test_of_one_seed_a_reason_stands_only_where_it_is_known() -> None:
    table = published(
        ("1", "test_loss", 4.0, Estimate(1.55), 1, 1, Estimate(-2.5)),
        ("1", "train_loss", 1.6, Estimate(1.55), 1, 1, Estimate(-0.1)),
    )
    why = [row(cells)["why they differ"] for cells in rows_of(KERAS, table, OURS, NOTHING)]
    assert why == ["a reason", None]


def test_an_epoch_that_was_not_reached_has_no_row() -> None:
    table = published(("5", "test_loss", 1.2, Estimate(1.25), 2, 2, None))
    assert rows_of(KERAS, table, OURS, NOTHING) == []


def test_ours_stands_beside_the_original_of_the_same_epoch(tmp_path: Path) -> None:
    write_original(KERAS, tmp_path, 0, [1.4, 1.1])
    write_original(KERAS, tmp_path, 1, [1.5, 1.0])
    table = published(("1", "test_loss", 4.0, Estimate(1.55), 1, 2, FAR))
    found = row(rows_of(KERAS, table, OURS, original_rows(KERAS, tmp_path))[0])
    assert found["original, run again"].value == pytest.approx(1.45)
    assert found["its seeds"] == 2
    assert found["ours less the original"].value == pytest.approx(0.1)


def test_a_training_of_which_no_figure_is_published_has_rows_of_ours_after_its_last_epoch() -> None:
    alone = replace(next(cut for cut in CUTS if not has_published_figures(cut)), epochs=2)
    rows = [row(cells) for cells in rows_of_ours(alone, OURS)]
    assert [(found["epoch"], found["figure"], found["seeds"]) for found in rows] == [
        ("2", "test_loss", 2)
    ]
    assert rows[0]["ours"].value == pytest.approx(1.25)
    assert rows[0]["published"] is None


def write_original(cut: Cut, storage: Path, seed: int, losses: list[float]) -> None:
    """As Keras tells a seed's epochs."""
    lines = lines_of(cut, storage, seed)
    lines.parent.mkdir(exist_ok=True)
    told = [
        json.dumps({"seed": seed, "epoch": epoch, "val_loss": loss})
        for epoch, loss in enumerate(losses, start=1)
    ]
    lines.write_text("\n".join(told))
