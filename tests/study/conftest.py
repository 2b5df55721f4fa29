"""Studies on disk that many tests look at."""

from __future__ import annotations

import pytest

from study.files.atomic import make_folder, write_whole
from study.files.layout import StudyPaths

from .fake_cluster import small_spec
from .fake_folder import finish_in


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    """A study of the fake cluster in a real folder, with tables, a checkpoint and a finished
    journal.
    """
    from study.results.parquet import write_tables

    paths, _ = finish_in(tmp_path_factory.mktemp("studies"), small_spec(points=6))
    make_folder(paths.checkpoints(0, 0))
    write_whole(paths.checkpoints(0, 0) / "attempt-0001-epoch-000006.ckpt", b"x" * 500)
    write_whole(paths.provenance, "{}")
    write_tables(paths)
    return paths
