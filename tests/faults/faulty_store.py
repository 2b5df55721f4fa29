"""A proxy on loopback in front of an S3 server, which answers as stores do on bad days.

Whoever has its address as AWS_ENDPOINT_URL talks to the server through it. It passes the Host
header and the signature on as they came, so they still belong together; moto's server, which stands
behind it in the tests, checks neither.
"""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

HOP_BY_HOP = {"connection", "expect", "keep-alive", "transfer-encoding"}
"""Headers that belong to one connection, and are not passed on."""
ANSWER_S = 60.0
ERROR = "<?xml version='1.0'?><Error><Code>{code}</Code><Message>as told</Message></Error>"
CODES = {500: "InternalError", 503: "SlowDown"}

CONDITIONAL_WRITES = threading.Lock()
"""moto looks which object is there and then writes it, in two steps; a store does so in one. So
conditional writes go to it one at a time.
"""
CONDITIONS = {"if-none-match", "if-match"}


class Fault(StrEnum):
    """What can become of a request."""

    ERROR = "answered 500"
    SLOW_DOWN = "answered 503"
    RESET = "carried out, its answer lost"
    LATE = "carried out and answered late"


class FaultyStore:
    """A store whose requests fail: a ``share`` of them, by chance, each in one of the ``kinds``.

    ``seed`` decides which; as requests come from several threads, not every run draws alike.
    """

    def __init__(
        self,
        server: str,
        *,
        seed: int = 0,
        share: float = 0.0,
        kinds: Sequence[Fault] = tuple(Fault),
        late_s: float = 5.0,
        only: str = "",
        ignores_conditions: bool = False,
    ) -> None:
        self.share = share
        self.late_s = late_s
        self.only = only
        """A part of the address that a request has to have in order to fail."""
        self.ignores_conditions = ignores_conditions
        """Whether it writes where something is, though the request says ``If-None-Match: *``."""
        self.requests = 0
        self.faults: Counter[Fault] = Counter()
        """How often each fault was given."""
        self._server = urlsplit(server).netloc
        self._kinds = list(kinds)
        self._chance = random.Random(seed)
        self._drawing = threading.Lock()
        self._answering = threading.Event()
        self._answering.set()
        self._is_away = False
        self._proxy = _Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=self._proxy.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._answering.set()
        self._proxy.shutdown()
        self._proxy.server_close()

    @property
    def address(self) -> str:
        """Its address, for AWS_ENDPOINT_URL."""
        return f"http://127.0.0.1:{self._proxy.server_port}"

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Within the block requests are taken and not answered; after it they are."""
        self._answering.clear()
        try:
            yield
        finally:
            self._answering.set()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Within the block every connection is reset, and nothing takes effect."""
        self._is_away = True
        try:
            yield
        finally:
            self._is_away = False

    def answer(self, request: _Request) -> None:
        """Pass one request on and answer it, or don't."""
        content = request.content()
        self._answering.wait()
        if self._is_away:
            request.reset()
            return
        fault = self._draw() if self.only in unquote(request.path) else None
        if fault in (Fault.ERROR, Fault.SLOW_DOWN):
            request.refuse(500 if fault is Fault.ERROR else 503)
            return
        status, headers, answer = self._carry_out(request, content)
        if fault is Fault.RESET:
            request.reset()
            return
        if fault is Fault.LATE:
            time.sleep(self.late_s)
        request.respond(status, headers, answer)

    def _draw(self) -> Fault | None:
        """What becomes of the next request; None for no fault."""
        with self._drawing:
            self.requests += 1
            if self._chance.random() >= self.share:
                return None
            fault = self._chance.choice(self._kinds)
            self.faults[fault] += 1
            return fault

    def _carry_out(
        self, request: _Request, content: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Have the server carry the request out; its status, headers and answer."""
        headers = {k: v for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP}
        conditional = not CONDITIONS.isdisjoint(map(str.lower, headers))
        if self.ignores_conditions:
            headers = {k: v for k, v in headers.items() if k.lower() not in CONDITIONS}
        connection = HTTPConnection(self._server, timeout=ANSWER_S)
        if conditional:
            CONDITIONAL_WRITES.acquire()
        try:
            connection.request(request.command, request.path, content or None, headers)
            response: HTTPResponse = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            if conditional:
                CONDITIONAL_WRITES.release()
            connection.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that were killed in the middle of a request."""


class _Request(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"

    def content(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def respond(self, status: int, headers: Sequence[tuple[str, str]], answer: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def refuse(self, status: int) -> None:
        answer = ERROR.format(code=CODES[status]).encode()
        headers = [("Content-Type", "application/xml"), ("Content-Length", str(len(answer)))]
        self.respond(status, headers, b"" if self.command == "HEAD" else answer)

    def reset(self) -> None:
        """End the connection as a machine does that has lost it: at once, with nothing sent."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: object) -> None:
        pass


def _handler_of(store: FaultyStore) -> type[_Request]:
    """The handler of a store's connections."""

    class Handler(_Request):
        def do_GET(self) -> None:
            with suppress(OSError, HTTPException):
                store.answer(self)

        do_PUT = do_POST = do_DELETE = do_HEAD = do_GET

    return Handler
