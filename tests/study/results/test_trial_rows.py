"""A trial's row: its recipe, its outcome, the work it took and under what it ran."""

from __future__ import annotations

from typing import Any

import pytest

from study.journal.history import History
from study.journal.journal import read_records
from study.results.cells import Row
from study.results.columns import TRIAL_COLUMNS
from study.results.figures import Figures
from study.results.recipe_cells import RecipeCells
from study.results.schema import listed_columns
from study.results.trial_rows import code_version, trial_rows
from study.spec.load import load_spec

ADAM = {"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1}


def history_of(study: Any) -> History:
    return History(read_records(study.paths.journal))


def rows_of(study: Any) -> list[Row]:
    spec = load_spec(study.paths.spec)
    return trial_rows(history_of(study), spec, RecipeCells(spec))


def test_each_figure_of_a_row_has_a_listed_column(make: Any) -> None:
    study = make()
    trial = study.start(study.point(ADAM), 0)
    study.report(trial, 1, 0.4)
    (row,) = rows_of(study)
    assert row.keys() <= {column.name for column in listed_columns("trials")}
    from_summary = {"test_epoch", "steps", "parameters", "validation"}
    assert {column.name for column in TRIAL_COLUMNS} - row.keys() >= from_summary


def test_the_best_and_the_last_value_are_those_of_the_epochs_that_count(make: Any) -> None:
    study = make()
    trial = study.start(study.point(ADAM), 0)
    for epoch, accuracy in enumerate((0.4, 0.8, 0.6), start=1):
        study.report(trial, epoch, accuracy)
    (row,) = rows_of(study)
    assert (row["val_accuracy_best"], row["val_accuracy_last"], row["best_epoch"]) == (0.8, 0.6, 2)
    assert (row["value"], row["state"]) == (None, "RUNNING")
    assert (row["first_epoch_seconds"], row["steady_epoch_seconds"]) == (5.5, 2.5)
    assert Figures().metrics_in(history_of(study).trials)[0].startswith(("train", "val"))


def test_only_a_complete_trial_has_a_value(mixed: Any) -> None:
    for row in rows_of(mixed):
        assert (row["value"] is not None) == (row["state"] == "COMPLETE")
        assert row["counted"] == (row["state"] == "COMPLETE")


@pytest.mark.parametrize(
    ("provenance", "expected"),
    [
        ({}, ""),
        ({"packages": {"ray-study": "0.1.0"}}, "0.1.0"),
        (
            {"packages": {"ray-study": "0.1.0"}, "code": {"commit": "0123456789abcdef"}},
            "0.1.0 0123456789ab",
        ),
        (
            {"packages": {"ray-study": "0.1.0"}, "code": {"commit": "01", "changed": True}},
            "0.1.0 01, changed",
        ),
    ],
)
def test_a_code_version_names_package_commit_and_changes(
    provenance: dict[str, Any], expected: str
) -> None:
    assert code_version(provenance) == expected
