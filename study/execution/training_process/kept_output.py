"""What a process prints, kept in a file of bounded size: its beginning and its end."""

from __future__ import annotations

import os
import select
import threading
import time
from contextlib import suppress

from study.files.storage import StoragePath

_HEAD_BYTES = 2**18
_TAIL_BYTES = 3 * 2**18
_READ_BYTES = 2**16
_WRITE_S = 10.0
"""How often the file is written anew while something comes."""
_LAST_READ_S = 1.0
"""How long the rest is read at the end: a process that got away may print on for ever."""


class KeptOutput:
    """Reads a pipe in a thread, so that whoever prints into it never waits."""

    def __init__(self, pipe: int, path: StoragePath) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe
        self._path = path
        self._head = bytearray()
        self._tail = bytearray()
        self._left_out = 0
        """Bytes between head and tail that are gone."""
        self._is_written = True
        self._stopped, self._stop = os.pipe()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read_on, name="output", daemon=True)
        self._thread.start()

    def write(self) -> None:
        """Write what has come so far; a storage that refuses is no failure of the training."""
        with self._lock:
            if self._is_written:
                return
            with suppress(OSError):
                self._path.parent.make_folder(levels=1)
                self._path.write_whole(self._content())
                self._is_written = True

    def finish(self) -> None:
        """Read the rest, and write everything."""
        os.close(self._stop)
        self._thread.join()
        deadline = time.monotonic() + _LAST_READ_S
        while time.monotonic() < deadline and self._read():
            pass
        os.close(self._pipe)
        os.close(self._stopped)
        self.write()

    def _read_on(self) -> None:
        last_write = time.monotonic()
        while True:
            ready, _, _ = select.select([self._pipe, self._stopped], [], [], _WRITE_S)
            if self._stopped in ready or (self._pipe in ready and not self._read()):
                return
            if time.monotonic() - last_write > _WRITE_S:
                self.write()
                last_write = time.monotonic()

    def _read(self) -> bool:
        """Read what is there; return whether there was anything."""
        try:
            data = os.read(self._pipe, _READ_BYTES)
        except BlockingIOError:
            return False
        with self._lock:
            self._add(data)
        return bool(data)

    def _add(self, data: bytes) -> None:
        room = _HEAD_BYTES - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        excess = max(0, len(self._tail) - _TAIL_BYTES)
        del self._tail[:excess]
        self._left_out += excess
        self._is_written = self._is_written and not data

    def _content(self) -> bytes:
        gap = f"\n… {self._left_out} bytes left out …\n" if self._left_out else ""
        return bytes(self._head) + gap.encode() + bytes(self._tail)
