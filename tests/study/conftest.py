"""Studies on disk that many tests look at."""

from __future__ import annotations

import pytest

from study.connection import Connection
from study.driver import Options, opened
from study.files import make_folder, write_whole
from study.paths import StudyPaths
from study.versions import open_journal

from .fake_cluster import Storage, conductor_on, drive, small_spec


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    """A study of the fake cluster in a real folder, with tables, a checkpoint and a finished journal."""
    from analysis.collect import collect

    paths = StudyPaths(tmp_path_factory.mktemp("studies"), "fake")
    spec = small_spec(points=6)
    make_folder(paths.folder)
    write_whole(paths.spec, spec.yaml())
    with Connection(None, []) as idle, opened(paths, Options(), idle):
        pass
    journal = open_journal(paths)
    storage = Storage()
    conductor = conductor_on(storage, spec)
    drive(conductor)
    journal.append(*storage.events)
    journal.close()
    make_folder(paths.checkpoints(0, 0))
    write_whole(paths.checkpoints(0, 0) / "epoch-000006.ckpt", b"x" * 500)
    write_whole(paths.provenance, "{}")
    collect(paths)
    return paths
