"""Looking on: the events that a server sends to one page."""

from __future__ import annotations

import http.client
import queue
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..served import FULL, Served

DEADLINE_S = 60


@dataclass(frozen=True)
class Told:
    """An event as it was sent."""

    name: str
    data: str
    identity: str


class Watcher:
    """Takes events as they come."""

    def __init__(self) -> None:
        self.events: queue.Queue[Told] = queue.Queue()

    def read(self, response: http.client.HTTPResponse) -> None:
        fields: dict[str, list[str]] = {}
        for line in response:
            text = line.decode().rstrip("\n")
            name, _, value = text.partition(": ")
            if text:
                fields.setdefault(name.rstrip(":"), []).append(value)
            elif "event" in fields:
                data = "\n".join(fields.get("data", []))
                told = Told(fields["event"][0], data, fields.get("id", [""])[0])
                self.events.put(told)
                fields = {}

    def until(self, name: str, text: str = "") -> Told:
        """Return the next event of a name whose data hold a text; those before are dropped."""
        while True:
            told = self.events.get(timeout=DEADLINE_S)
            if told.name == name and text in told.data:
                return told

    def until_row(self, text: str) -> Told:
        """Return the next row of the list that holds a text."""
        while True:
            told = self.events.get(timeout=DEADLINE_S)
            if told.name.startswith("row-") and text in told.data:
                return told


@contextmanager
def watching(served: Served, path: str, headers: Mapping[str, str] = FULL) -> Iterator[Watcher]:
    """Watch a page's events as long as the block lasts."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=DEADLINE_S)
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    assert response.status == 200
    assert response.headers["Content-Type"] == "text/event-stream"
    watcher = Watcher()

    def read() -> None:
        try:
            watcher.read(response)
        except (OSError, ValueError, AttributeError):  # the connection was closed here
            return

    thread: Any = threading.Thread(target=read)
    thread.start()
    sock = connection.sock
    try:
        yield watcher
    finally:
        if sock is not None:
            sock.shutdown(socket.SHUT_RDWR)
        thread.join(DEADLINE_S)
        response.close()
        connection.close()
