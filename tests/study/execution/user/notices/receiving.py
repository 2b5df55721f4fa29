"""Receivers on loopback that are down half the time: a webhook's server and a mail server."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Received:
    """What has arrived, and how often somebody knocked."""

    def __init__(self, *, is_down_half_the_time: bool) -> None:
        self.messages: list[Any] = []
        self.headers: list[dict[str, str]] = []
        self.knocks = 0
        self.port = 0
        self._is_flaky = is_down_half_the_time

    def is_down(self) -> bool:
        self.knocks += 1
        return self._is_flaky and self.knocks % 2 == 1


@contextmanager
def webhook(*, is_down_half_the_time: bool = False) -> Iterator[Received]:
    received = Received(is_down_half_the_time=is_down_half_the_time)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if received.is_down():
                self.send_response(503)
            else:
                received.messages.append(json.loads(body))
                received.headers.append(dict(self.headers))
                self.send_response(200)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    with _served(ThreadingHTTPServer(("127.0.0.1", 0), Handler), received):
        yield received


@contextmanager
def mail_server(*, is_down_half_the_time: bool = False) -> Iterator[Received]:
    """A server that speaks as much SMTP as a sender needs."""
    received = Received(is_down_half_the_time=is_down_half_the_time)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if received.is_down():
                return  # the connection breaks
            self._say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                if word == "EHLO":
                    self._say("250 here")
                elif word == "DATA":
                    self._say("354 go on")
                    received.messages.append(self._data())
                    self._say("250 taken")
                elif word == "QUIT":
                    self._say("221 bye")
                    return
                else:
                    self._say("250 ok")

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

        def _data(self) -> str:
            lines = []
            while (line := self.rfile.readline().decode()) != ".\r\n":
                lines.append(line)
            return "".join(lines)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with _served(Server(("127.0.0.1", 0), Handler), received):
        yield received


@contextmanager
def _served(server: Any, received: Received) -> Iterator[None]:
    received.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
