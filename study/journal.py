"""The journal: an append-only file of events, one JSON line each, durable before anything is done about them.

Each line carries its running number and the CRC-32 of what stands before it. So a torn last line is told from damage:
the torn tail is cut and the cut reported; damage elsewhere is refused with its place. Appending three reports of ten
metrics each and syncing them costs one ``fsync``; a disk that is full or away for a while makes the append wait.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from study.errors import JournalDamaged, StorageFault, StudyLocked
from study.files import make_folder, sync_folder
from study.paths import FILE_MODE
from study.records import Event

PATIENCE_S = 900.0
PAUSE_S = 2.0
_CRC = b',"crc":"'


@dataclass(frozen=True)
class Cut:
    """A torn tail that was dropped: from which byte, and how many."""

    at_byte: int
    size_bytes: int

    def __str__(self) -> str:
        return f"the journal's last record was torn: {self.size_bytes} bytes cut at byte {self.at_byte}"


def encode(number: int, event: Event) -> bytes:
    """One line: the event, its running number first and its checksum last."""
    body = json.dumps({"n": number, **event}, separators=(",", ":"), ensure_ascii=False, allow_nan=False)[:-1].encode()
    return body + _CRC + f"{zlib.crc32(body):08x}".encode() + b'"}\n'


def decode(line: bytes) -> dict[str, Any] | None:
    """The event of a line, or None where the line is not what was written."""
    body, mark, rest = line.rpartition(_CRC)
    if not mark or rest != f"{zlib.crc32(body):08x}".encode() + b'"}\n':
        return None
    event: dict[str, Any] = json.loads(body + b"}")
    return event


def scan(data: bytes, path: Path) -> tuple[list[dict[str, Any]], int]:
    """The events of a journal's bytes, and how many bytes they take; JournalDamaged where more than a tail is bad."""
    events: list[dict[str, Any]] = []
    end = 0
    for line in _lines(data):
        event = decode(line)
        if event is None or event.pop("n") != len(events):
            break
        events.append(event)
        end += len(line)
    if any(decode(line) is not None for line in _lines(data[end:])):
        raise JournalDamaged(
            f"{path}: record {len(events)} (line {len(events) + 1}, byte {end}) is damaged and records follow it; "
            f"the {len(events)} records before it can be read. Restore the file from a copy, or keep those records "
            f"alone with: head -c {end} {path} > {path}.kept"
        )
    return events, end


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def read_events(path: Path) -> list[dict[str, Any]]:
    """Every whole record, for readers that hold no lock; a tail that is being written is left out."""
    return scan(path.read_bytes(), path)[0]


class Lock:
    """The right to drive a study: an advisory file lock, gone with its process however that ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        make_folder(path.parent)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 300).decode(errors="replace").strip() or "another driver"
            os.close(self._descriptor)
            raise StudyLocked(path.parent.parent.name, holder) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"process {os.getpid()} on {socket.gethostname()}".encode(), 0)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Journal:
    """A journal opened by its one driver."""

    def __init__(self, path: Path, events: list[dict[str, Any]], size: int, cut: Cut | None) -> None:
        self.path = path
        self.events_read = events
        self.cut = cut
        self.size_bytes = size
        self.records = len(events)
        self.on_wait: Callable[[str], None] = lambda message: None
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)

    @classmethod
    def create(cls, path: Path) -> Self:
        """A new, empty journal whose name is durable."""
        make_folder(path.parent)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
        sync_folder(path.parent)
        return cls(path, [], 0, None)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read a journal back; its torn tail, if there is one, is cut from the file."""
        data = path.read_bytes()
        events, end = scan(data, path)
        cut = Cut(end, len(data) - end) if end < len(data) else None
        if cut:
            with path.open("r+b") as file:
                file.truncate(end)
                os.fsync(file.fileno())
        return cls(path, events, end, cut)

    def append(self, *events: Event) -> None:
        """Make events durable, all or none; waits up to PATIENCE_S while the storage refuses, then StorageFault."""
        data = b"".join(encode(self.records + i, event) for i, event in enumerate(events))
        began = time.monotonic()
        while True:
            try:
                self._write(data)
                break
            except OSError as error:
                self._roll_back()
                waited = time.monotonic() - began
                if waited > PATIENCE_S:
                    raise StorageFault(f"{self.path} can't be written: {error.strerror or error}") from error
                self.on_wait(f"paused: {self.path} can't be written ({error.strerror or error}); trying again")
                time.sleep(PAUSE_S)
        self.size_bytes += len(data)
        self.records += len(events)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        os.fsync(self._descriptor)

    def _roll_back(self) -> None:
        """Drop what a failed write left, so that no torn line comes to stand before a whole one."""
        try:
            os.ftruncate(self._descriptor, self.size_bytes)
        except OSError as error:
            raise StorageFault(f"{self.path} can't be written nor mended: {error.strerror or error}") from error

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
