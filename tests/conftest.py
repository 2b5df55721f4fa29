"""What all tests share."""

from __future__ import annotations

import gc
import logging
import os
import signal
import uuid
from collections.abc import Iterator

import pytest

from study.files.object_client import client
from study.files.object_storage import ObjectPath
from study.files.storage_uri import storage_path

from .study.command import end_what_is_left

SLOWEST = ("test_run.py", "test_client.py", "test_run_s3.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take minutes begin, so that of two processes neither is left with one in the
    end.
    """
    items.sort(key=lambda item: item.path.name not in SLOWEST)


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A test that fails leaves no study behind that takes the machine from those after it."""
    yield
    end_what_is_left()


@pytest.fixture(scope="module", autouse=True)
def former_objects_are_passed_over() -> None:
    """What earlier tests and imports have made is not looked through at each collection of garbage,
    which every training ends with: in a process of thousands of tests that takes longer than many
    a test itself.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def all_objects_are_looked_through_in_the_end() -> Iterator[None]:
    """What was passed over is let go of before the interpreter ends, as libraries expect it."""
    yield
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def ctrl_c_is_heard() -> None:
    """A run that was started in the background has been told to ignore it, and so would what it
    starts.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _cached(name: str) -> str:
    folder = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(folder, name)


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is remembered for the user is remembered for the tests alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("configuration")))
        # matplotlib's list of fonts, which takes a second to make, stays where it is
        patch.setenv("MPLCONFIGDIR", os.environ.get("MPLCONFIGDIR") or _cached("matplotlib"))
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


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
