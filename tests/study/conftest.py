"""Studies on disk that many tests look at."""

from __future__ import annotations

import pytest

from study.execution.on_ray.ray_runtime import RayConnection
from study.execution.open_study import open_study
from study.execution.run import RunOptions
from study.files.atomic import make_folder, write_whole
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.spec_versions import open_journal

from .fake_cluster import Storage, controller_on, drive, small_spec


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    """A study of the fake cluster in a real folder, with tables, a checkpoint and a finished
    journal.
    """
    from study.results.parquet import write_tables

    paths = StudyPaths(LocalPath(tmp_path_factory.mktemp("studies")), "fake")
    spec = small_spec(points=6)
    make_folder(paths.folder)
    write_whole(paths.spec, spec.yaml())
    with RayConnection(None) as idle, open_study(paths, RunOptions(), idle):
        pass
    journal = open_journal(paths)
    storage = Storage()
    controller = controller_on(storage, spec)
    drive(controller)
    for event in storage.events[1:]:  # the folder has its own record of being created
        journal.append(event)
    journal.close()
    make_folder(paths.checkpoints(0, 0))
    write_whole(paths.checkpoints(0, 0) / "attempt-0001-epoch-000006.ckpt", b"x" * 500)
    write_whole(paths.provenance, "{}")
    write_tables(paths)
    return paths
