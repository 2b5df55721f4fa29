"""Whether a cluster lets in who has no token, as far as its dashboard says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from study.cluster.access import answers_without_token, is_loopback


@pytest.fixture(params=[200, 401])
def dashboard(request: pytest.FixtureRequest) -> Iterator[tuple[str, int]]:
    """A dashboard's address, and the status with which it answers."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert "Authorization" not in self.headers
            self.send_response(request.param)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", request.param
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_cluster_is_asked_once_without_the_token(dashboard: tuple[str, int]) -> None:
    address, status = dashboard
    assert answers_without_token(address) == (status == 200)


def test_only_this_machine_is_loopback() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("localhost")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("http://10.0.0.5:8265")
