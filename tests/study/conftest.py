"""Studies on disk that many tests look at."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator

import pytest

from study.execution.open_study import open_study
from study.execution.ray_runtime import RayConnection
from study.execution.run import RunOptions
from study.files.atomic import make_folder, write_whole
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.object_client import client
from study.files.object_storage import ObjectPath
from study.files.storage_uri import storage_path
from study.journal.spec_versions import open_journal

from .fake_cluster import Storage, controller_on, drive, small_spec


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> StudyPaths:
    """A study of the fake cluster in a real folder, with tables, a checkpoint and a finished
    journal.
    """
    from study.results.parquet import collect

    paths = StudyPaths(LocalPath(tmp_path_factory.mktemp("studies")), "fake")
    spec = small_spec(points=6)
    make_folder(paths.folder)
    write_whole(paths.spec, spec.yaml())
    with RayConnection(None, []) as idle, open_study(paths, RunOptions(), idle):
        pass
    journal = open_journal(paths)
    storage = Storage()
    controller = controller_on(storage, spec)
    drive(controller)
    journal.append(*storage.events[1:])  # the folder has its own record of being created
    journal.close()
    make_folder(paths.checkpoints(0, 0))
    write_whole(paths.checkpoints(0, 0) / "attempt-0001-epoch-000006.ckpt", b"x" * 500)
    write_whole(paths.provenance, "{}")
    collect(paths)
    return paths


@pytest.fixture(scope="session")
def s3() -> Iterator[str]:
    """A real S3 server on loopback, known to this process and its children by their environment;
    its address.
    """
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    environment = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        client.cache_clear()
        yield environment["AWS_ENDPOINT_URL"]
    client.cache_clear()
    server.stop()


@pytest.fixture
def bucket(s3: str) -> ObjectPath:
    """A prefix in a bucket of its own."""
    import boto3

    name = f"studies-{uuid.uuid4().hex[:8]}"
    boto3.client("s3", endpoint_url=s3, region_name="us-east-1").create_bucket(Bucket=name)
    found = storage_path(f"s3://{name}/lab")
    assert isinstance(found, ObjectPath)
    return found
