from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from analysis.report.report import write_report
from analysis.results import Results, load
from study.errors import StudyNotFound
from study.files.layout import StudyPaths
from study.results.parquet import write_tables


def test_a_study_is_found_by_name_path_or_paths(mixed: Any) -> None:
    by_name = load(mixed.paths.name, storage=mixed.paths.storage)
    assert (
        len(by_name.points)
        == len(load(mixed.paths.folder).points)
        == len(load(str(mixed.paths.folder)).points)
        == 6
    )
    assert len(load([mixed.paths]).points) == 6


def test_a_study_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StudyNotFound, match="no study absent in"):
        load("absent", storage=tmp_path)


def test_counts_stay_integers_beside_missing_ones(mixed: Any) -> None:
    results = load(mixed.paths)
    assert str(results.trials["best_epoch"].dtype) == "Int64"
    assert str(results.epochs["skipped_steps"].dtype) == "Int64"


def test_importing_analysis_loads_neither_torch_nor_ray_nor_optuna() -> None:
    code = (
        "import sys, analysis, analysis.results, study.results.parquet, analysis.tables.kinds;"
        " analysis.load;print([m for m in ('torch', 'ray', 'optuna', 'matplotlib', 'scipy',"
        " 'duckdb') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def results(mixed: Any) -> Results:
    return load(mixed.paths)


def test_helpers_on_results(results: Results) -> None:
    assert results.best()["point"] == 1
    assert set(results.at_epoch(3)["epoch"]) == {3}
    assert results.at_epoch(3)["optimizer.lr"].notna().all()
    assert results.time_to("val_accuracy", 0.9)["reached"].sum() == 5
    front = results.pareto("val_accuracy_last", "total_seconds")
    assert list(front["val_accuracy_last"]) == [0.96]
    assert "<table" in results._repr_html_()


def test_a_study_whose_folder_was_renamed_goes_by_the_folder(mixed: Any) -> None:
    write_tables(mixed.paths)
    Path(str(mixed.paths.folder)).rename(str(mixed.paths.storage / "renamed"))
    results = load("renamed", storage=mixed.paths.storage)
    for frame in (results.points, results.trials, results.epochs):
        assert set(frame["study"]) == {"renamed"}
    assert "diverged" in results.table("failures").text()
    page = write_report(StudyPaths(mixed.paths.storage, "renamed")).read_text()
    assert "renamed" in page
