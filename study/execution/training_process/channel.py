"""JSON objects over a socket between two processes, a line each, and open files beside them."""

from __future__ import annotations

import json
import select
import socket
import threading
from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]

_READ_BYTES = 2**16
_MOST_DESCRIPTORS = 8


class ChannelClosed(Exception):
    """The other side is gone."""


class Channel:
    """One end of a connection between two processes. Sending is for any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._sending = threading.Lock()
        self._received = b""
        self._descriptors: list[int] = []

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, message: Message, descriptors: Sequence[int] = ()) -> None:
        """Send a message, and open files with it; ChannelClosed where nobody is there."""
        line = json.dumps(message).encode() + b"\n"
        try:
            with self._sending:
                if descriptors:
                    socket.send_fds(self._socket, [line[:1]], list(descriptors))
                    line = line[1:]
                self._socket.sendall(line)
        except OSError as error:
            raise ChannelClosed from error

    def receive(self, timeout_s: float | None = None) -> Message | None:
        """Return the next message; None where none has come within ``timeout_s`` seconds.

        None as ``timeout_s`` waits for ever. Raises ChannelClosed at the end.
        """
        while b"\n" not in self._received:
            try:
                ready, _, _ = select.select([self._socket], [], [], timeout_s)
                if not ready:
                    return None
                self._read()
            except (OSError, ValueError) as error:
                raise ChannelClosed from error
        line, _, self._received = self._received.partition(b"\n")
        message: Message = json.loads(line)
        return message

    def _read(self) -> None:
        data, descriptors, _, _ = socket.recv_fds(self._socket, _READ_BYTES, _MOST_DESCRIPTORS)
        if not data:
            raise ChannelClosed
        self._received += data
        self._descriptors += descriptors

    @property
    def is_closed(self) -> bool:
        """Whether this end was closed."""
        return self._socket.fileno() < 0

    def take_descriptors(self) -> list[int]:
        """Return the open files that have come, which the caller closes."""
        descriptors, self._descriptors = self._descriptors, []
        return descriptors

    def close(self) -> None:
        self._socket.close()
