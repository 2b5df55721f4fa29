"""The faulty store gives the faults that it is told to give, and is a store otherwise."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from .faulty_store import Fault, FaultyStore

PATH = "/faulty/object"
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request,"
    " SignedHeaders=host, Signature=0"
}
"""As much of a signature as moto's server looks at."""
QUICK_S = 5.0


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of these tests' own: its address stands in no environment."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    assert ask(address, "PUT", "/faulty")[0] == 200
    yield address
    server.stop()


def ask(
    address: str, method: str, path: str = PATH, content: bytes = b"", **headers: str
) -> tuple[int, bytes]:
    """Status and content of an answer; OSError where the connection is lost."""
    connection = HTTPConnection(urlsplit(address).netloc, timeout=QUICK_S)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, content or None, SIGNED | named)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_without_faults_it_is_the_server(server: str) -> None:
    with FaultyStore(server) as store:
        assert ask(store.address, "PUT", content=b"here")[0] == 200
        assert ask(store.address, "GET") == (200, b"here")
        assert ask(store.address, "HEAD") == (200, b"")
        assert ask(store.address, "PUT", content=b"x", If_None_Match="*")[0] == 412
        assert ask(store.address, "DELETE")[0] == 204
        assert ask(store.address, "GET")[0] == 404
    assert not store.faults
    assert store.requests == 6


@pytest.mark.parametrize(("kind", "status"), [(Fault.ERROR, 500), (Fault.SLOW_DOWN, 503)])
def test_a_refused_request_has_no_effect(server: str, kind: Fault, status: int) -> None:
    assert ask(server, "PUT", content=b"before")[0] == 200
    with FaultyStore(server, share=1, kinds=[kind]) as store:
        assert ask(store.address, "PUT", content=b"after")[0] == status
        assert ask(store.address, "HEAD")[0] == status
    assert ask(server, "GET")[1] == b"before"
    assert store.faults == {kind: 2}


def test_a_request_whose_answer_is_lost_has_taken_effect(server: str) -> None:
    lossy = FaultyStore(server, share=1, kinds=[Fault.RESET])
    with lossy as store, pytest.raises(ConnectionResetError):
        ask(store.address, "PUT", content=b"effect")
    assert ask(server, "GET")[1] == b"effect"


def test_a_late_answer_is_the_servers(server: str) -> None:
    began = time.monotonic()
    with FaultyStore(server, share=1, kinds=[Fault.LATE], late_s=0.3) as store:
        assert ask(store.address, "PUT", content=b"late")[0] == 200
    assert time.monotonic() - began >= 0.3


def test_the_seed_decides_which_requests_fail(server: str) -> None:
    def statuses(seed: int) -> list[int]:
        with FaultyStore(server, seed=seed, share=0.5, kinds=[Fault.ERROR]) as store:
            return [ask(store.address, "GET", "/faulty")[0] for _ in range(20)]

    assert statuses(1) == statuses(1)
    assert statuses(1) != statuses(2)
    assert set(statuses(1)) == {200, 500}


def test_only_the_requests_that_are_meant_fail(server: str) -> None:
    with FaultyStore(server, share=1, kinds=[Fault.ERROR], only="object") as store:
        assert ask(store.address, "GET", "/faulty?prefix=obj%65ct")[0] == 500
        assert ask(store.address, "GET", "/faulty")[0] == 200


def test_a_store_that_ignores_conditions_writes_over_what_is_there(server: str) -> None:
    with FaultyStore(server, ignores_conditions=True) as store:
        for content in (b"one", b"two"):
            assert ask(store.address, "PUT", content=content, If_None_Match="*")[0] == 200
    assert ask(server, "GET")[1] == b"two"


def test_a_store_that_hangs_answers_in_the_end(server: str) -> None:
    answers: list[int] = []
    with FaultyStore(server) as store:
        asking = threading.Thread(target=lambda: answers.append(ask(store.address, "GET")[0]))
        with store.hanging():
            asking.start()
            asking.join(0.3)
            assert asking.is_alive()
        asking.join(QUICK_S)
    assert answers == [200]


def test_a_store_that_is_away_comes_back_as_it_was(server: str) -> None:
    assert ask(server, "PUT", content=b"before")[0] == 200
    with FaultyStore(server) as store:
        with store.away(), pytest.raises(ConnectionResetError):
            ask(store.address, "PUT", content=b"after")
        assert ask(store.address, "GET")[1] == b"before"
