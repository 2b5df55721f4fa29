"""A history becomes three tables that say of points, trials and epochs what the journal does."""

from __future__ import annotations

from typing import Any

import pytest

from study.journal.history import History
from study.journal.journal import read_records
from study.results.tabulate import Tables, epochs_table, tabulate
from study.spec.load import load_spec

ADAM = {"optimizer.name": "adam", "optimizer.lr": 0.1, "accumulation": 1}


def tables_of(study: Any, **options: Any) -> Tables:
    return tabulate(
        History(read_records(study.paths.journal)), load_spec(study.paths.spec), **options
    )


@pytest.fixture
def study(make: Any) -> Any:
    """One point with both of its seeds."""
    study = make()
    study.complete_point(ADAM, [0.5, 0.7])
    return study


def test_a_reported_figure_is_a_cell_of_the_epochs(make: Any) -> None:
    study = make()
    trial = study.start(study.point(ADAM), 0)
    study.report(trial, 1, 0.25)
    study.report(trial, 2, 0.5)
    epochs = tables_of(study).epochs.to_pylist()
    assert [(row["epoch"], row["val_accuracy"]) for row in epochs] == [(1, 0.25), (2, 0.5)]
    assert {(row["trial"], row["point"], row["replicate"]) for row in epochs} == {(0, 0, 0)}


def test_epochs_that_are_not_wanted_are_no_rows(study: Any) -> None:
    tables = tables_of(study, with_epochs=False)
    assert (len(tables.epochs), len(tables.trials), len(tables.points)) == (0, 2, 1)
    assert tables.epochs.schema == epochs_table("x", ()).schema


def test_a_history_without_points_has_all_columns(make: Any) -> None:
    tables = tables_of(make())
    assert [len(table) for table in (tables.points, tables.trials, tables.epochs)] == [0, 0, 0]
    assert {"rank", "optimizer.lr"} <= set(tables.points.column_names)
    assert {"val_accuracy_best", "recipe.epochs", "packages"} <= set(tables.trials.column_names)
