"""A study of each schema version is kept in golden/; what is loaded from it stays the same for
ever.

golden/vN holds a journal and a study file as version N wrote them, and in expected.json what was
loaded from them then. Its study file writes every value of the recipe, since defaults may change.
Later versions may add columns and may not change or lose one. A figure that wasn't what its column
says is mended there, and the change log says so: ``wall_seconds`` had counted waiting for a worker.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from analysis.results import load
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.results.parquet import write_tables

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.filterwarnings("ignore::study.errors.StudyFileChanged")
@pytest.mark.parametrize("version", sorted(path.name for path in GOLDEN.iterdir()))
@pytest.mark.parametrize("through_parquet", [False, True])
def test_a_golden_study_loads_as_it_did(
    version: str, through_parquet: bool, tmp_path: Path
) -> None:
    expected: dict[str, list[dict[str, Any]]] = json.loads(
        (GOLDEN / version / "expected.json").read_text()
    )
    shutil.copytree(GOLDEN / version, tmp_path / version)
    paths = StudyPaths(LocalPath(tmp_path), version)
    if through_parquet:
        write_tables(paths)
    tables = load(paths).study.tables
    for name, rows in expected.items():
        found = json.loads(
            json.dumps(getattr(tables, name).to_pylist(), default=lambda value: value.isoformat())
        )
        assert len(found) == len(rows)
        for ours, theirs in zip(found, rows, strict=True):
            assert {key: ours.get(key) for key in theirs} == theirs
