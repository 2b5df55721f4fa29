"""The journal: an append-only log of events, one JSON line each, durable before anything is done
about them.

Each line carries its running number and the CRC-32 of what stands before it. So a torn last line is
told from damage: the torn tail is cut and the cut reported; damage elsewhere is refused with its
place. Appending three reports of ten metrics each and syncing them costs one ``fsync``; a disk that
is full or away for a while makes the append wait.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from study.errors import JournalDamaged, StorageFault
from study.files.storage import StoragePath
from study.journal.event_codec import Record
from study.journal.log_storage import Log, log_at

PATIENCE_S = 900.0
PAUSE_S = 2.0
_CRC = b',"crc":"'


@dataclass(frozen=True)
class Cut:
    """A torn tail that was dropped: from which byte, and how many."""

    at_byte: int
    size_bytes: int

    def __str__(self) -> str:
        return (
            f"the journal's last record was torn: {self.size_bytes} bytes cut at byte"
            f" {self.at_byte}"
        )


def encode(number: int, event: Record) -> bytes:
    """One line: the event, its running number first and its checksum last."""
    body = json.dumps(
        {"n": number, **event}, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )[:-1].encode()
    return body + _CRC + f"{zlib.crc32(body):08x}".encode() + b'"}\n'


def _decode(line: bytes) -> dict[str, Any] | None:
    """The event of a line, or None where the line is not what was written."""
    body, mark, rest = line.rpartition(_CRC)
    if not mark or rest != f"{zlib.crc32(body):08x}".encode() + b'"}\n':
        return None
    event: dict[str, Any] = json.loads(body + b"}")
    return event


def _scan(
    data: bytes, path: StoragePath, *, can_be_torn: bool = True
) -> tuple[list[dict[str, Any]], int]:
    """The events of a journal's bytes, and how many bytes they take; JournalDamaged where more than
    a tail is bad.

    ``can_be_torn`` says whether a kill can leave a torn tail there at all.
    """
    events: list[dict[str, Any]] = []
    end = 0
    for line in _lines(data):
        event = _decode(line)
        if event is None or event.pop("n") != len(events):
            break
        events.append(event)
        end += len(line)
    if end < len(data) and (
        not can_be_torn or any(_decode(line) is not None for line in _lines(data[end:]))
    ):
        keep = (
            f", or keep those records alone with: head -c {end} {path} > {path}.kept"
            if can_be_torn
            else ""
        )
        raise JournalDamaged(
            f"{path}: record {len(events)} (line {len(events) + 1}, byte {end}) is damaged and"
            f" records follow it; the {len(events)} records before it can be read. Restore the"
            f" journal from a copy{keep}"
        )
    return events, end


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def read_events(path: StoragePath) -> list[dict[str, Any]]:
    """Every whole record, for readers that hold no lock; a tail that is being written is left
    out.
    """
    log = log_at(path)
    return _scan(log.read(), path, can_be_torn=log.can_be_torn)[0] if log.exists() else []


def journal_bytes(path: StoragePath) -> int:
    """How long a journal is."""
    return log_at(path).size()


class Journal:
    """A journal opened by its one driver."""

    def __init__(
        self, path: StoragePath, log: Log, events: list[dict[str, Any]], size: int, cut: Cut | None
    ) -> None:
        self.path = path
        self.events_read = events
        self.cut = cut
        self.size_bytes = size
        self.records = len(events)
        self.on_wait: Callable[[str], None] = lambda message: None
        self._log = log
        log.open_at(size)

    @classmethod
    def create(cls, path: StoragePath) -> Self:
        """A new, empty journal whose name is durable."""
        log = log_at(path)
        log.create()
        return cls(path, log, [], 0, None)

    @classmethod
    def open(cls, path: StoragePath) -> Self:
        """Read a journal back; its torn tail, if there is one, is cut from the file."""
        log = log_at(path)
        data = log.read()
        events, end = _scan(data, path, can_be_torn=log.can_be_torn)
        cut = Cut(end, len(data) - end) if end < len(data) else None
        return cls(path, log, events, end, cut)

    def append(self, *events: Record) -> None:
        """Make events durable, all or none; waits up to PATIENCE_S while the storage refuses, then
        StorageFault.
        """
        following = self.records + len(events)
        data = b"".join(encode(self.records + i, event) for i, event in enumerate(events))
        began = time.monotonic()
        while True:
            try:
                self._log.append(data, self.records, following)
                break
            except OSError as error:
                self._roll_back()
                waited = time.monotonic() - began
                if waited > PATIENCE_S:
                    raise StorageFault(
                        f"{self.path} can't be written: {error.strerror or error}"
                    ) from error
                self.on_wait(
                    f"paused: {self.path} can't be written ({error.strerror or error}); trying"
                    " again"
                )
                time.sleep(PAUSE_S)
        self.size_bytes += len(data)
        self.records = following

    def _roll_back(self) -> None:
        """Drop what a failed write left, so that no torn line comes to stand before a whole one."""
        try:
            self._log.roll_back()
        except OSError as error:
            raise StorageFault(
                f"{self.path} can't be written nor mended: {error.strerror or error}"
            ) from error

    def close(self) -> None:
        self._log.close()
