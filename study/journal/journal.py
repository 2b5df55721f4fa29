"""The journal: an append-only log of events, one JSON line each, durable before anybody acts on
them.

A record is an event as a line has it. Each line carries its running number and the CRC-32 of what
stands before it, which tells a torn last line from damage: the torn tail is cut and the cut
reported, damage elsewhere is refused with its place. Appending three reports of ten metrics each
and syncing them costs one ``fsync``; a disk that is full or away for a while makes the append wait.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from study.errors import JournalDamaged, StorageFault
from study.files.storage import StoragePath
from study.journal.event_codec import Record
from study.journal.log_storage import Log, log_at

PATIENCE_S = 900.0
PAUSE_S = 2.0
_CHECKSUM = b',"crc":"'


@dataclass(frozen=True)
class Cut:
    """A torn tail that was dropped."""

    at_byte: int
    size_bytes: int

    def __str__(self) -> str:
        return (
            f"the journal's last record was torn: {self.size_bytes} bytes cut at byte"
            f" {self.at_byte}"
        )


def encode_line(number: int, record: Record) -> bytes:
    """Encode a record as one line: its running number first, its checksum last."""
    text = json.dumps(
        {"n": number, **record}, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    body = text.removesuffix("}").encode()
    return body + _end_of_line(body)


def _end_of_line(body: bytes) -> bytes:
    """What follows the body of a line: its CRC-32, and the end of the JSON object."""
    return _CHECKSUM + f"{zlib.crc32(body):08x}".encode() + b'"}\n'


def _decode_line(line: bytes) -> dict[str, Any] | None:
    """The record of a line with its number as ``n``; None where the line isn't what was written."""
    body, _, _ = line.rpartition(_CHECKSUM)
    if not body or line != body + _end_of_line(body):
        return None
    record: dict[str, Any] = json.loads(body + b"}")
    return record


class _WholeRecords(NamedTuple):
    """The records from a journal's beginning that can be read, and how many bytes they take."""

    records: list[dict[str, Any]]
    size_bytes: int


def _read_whole_records(data: bytes, path: StoragePath, *, can_be_torn: bool) -> _WholeRecords:
    """Read a journal's bytes up to its torn tail; JournalDamaged where more than a tail is bad.

    ``can_be_torn`` says whether a kill can leave a torn tail there at all.
    """
    records: list[dict[str, Any]] = []
    end = 0
    for line in _lines(data):
        record = _decode_line(line)
        if record is None or record.pop("n") != len(records):
            break
        records.append(record)
        end += len(line)
    if end == len(data):
        return _WholeRecords(records, end)
    has_records_after = any(_decode_line(line) is not None for line in _lines(data[end:]))
    if has_records_after or not can_be_torn:
        raise JournalDamaged(_damage_message(len(records), end, path, can_be_torn))
    return _WholeRecords(records, end)


def _damage_message(number: int, at_byte: int, path: StoragePath, is_file: bool) -> str:
    """What is damaged, and what can be done about it."""
    message = (
        f"{path}: record {number} (line {number + 1}, byte {at_byte}) is damaged and records follow"
        f" it; the {number} records before it can be read. Restore the journal from a copy"
    )
    if is_file:
        message += f", or keep those records alone with: head -c {at_byte} {path} > {path}.kept"
    return message


def _lines(data: bytes) -> Iterator[bytes]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start) + 1 or len(data)
        yield data[start:end]
        start = end


def read_records(path: StoragePath) -> list[dict[str, Any]]:
    """Read every whole record, oldest first, as a reader that holds no lock; none where there is no
    journal. A tail that is being written is left out.
    """
    log = log_at(path)
    if not log.exists():
        return []
    return _read_whole_records(log.read(), path, can_be_torn=log.can_be_torn).records


def journal_bytes(path: StoragePath) -> int:
    """Count a journal's bytes."""
    return log_at(path).size()


class Journal:
    """A journal opened by its one driver."""

    def __init__(self, path: StoragePath, log: Log, whole: _WholeRecords, cut: Cut | None) -> None:
        self.path = path
        self.records_read = whole.records
        """The records that were there when it was opened."""
        self.cut = cut
        """The torn tail that was dropped then."""
        self.size_bytes = whole.size_bytes
        self.record_count = len(whole.records)
        """How many there are by now."""
        self.on_wait: Callable[[str], None] = lambda message: None
        """Called with one line each time that an append has to wait."""
        self._log = log
        log.open_at(self.size_bytes)

    @classmethod
    def create(cls, path: StoragePath) -> Self:
        """Begin an empty journal whose name is durable."""
        log = log_at(path)
        log.create()
        return cls(path, log, _WholeRecords([], 0), None)

    @classmethod
    def open(cls, path: StoragePath) -> Self:
        """Read a journal back; its torn tail, if there is one, is cut from the file."""
        log = log_at(path)
        data = log.read()
        whole = _read_whole_records(data, path, can_be_torn=log.can_be_torn)
        torn_bytes = len(data) - whole.size_bytes
        cut = Cut(whole.size_bytes, torn_bytes) if torn_bytes else None
        return cls(path, log, whole, cut)

    def append(self, *records: Record) -> None:
        """Make records durable, all or none.

        Waits up to PATIENCE_S while the storage refuses, then raises StorageFault.
        """
        following = self.record_count + len(records)
        numbered = enumerate(records, start=self.record_count)
        data = b"".join(encode_line(number, record) for number, record in numbered)
        began = time.monotonic()
        while True:
            try:
                self._log.append(data, self.record_count, following)
                break
            except OSError as error:
                self._roll_back()
                reason = f"{self.path} can't be written"
                if time.monotonic() - began > PATIENCE_S:
                    raise StorageFault(f"{reason}: {error.strerror or error}") from error
                self.on_wait(f"paused: {reason} ({error.strerror or error}); trying again")
                time.sleep(PAUSE_S)
        self.size_bytes += len(data)
        self.record_count = following

    def _roll_back(self) -> None:
        """Drop what a failed write left, so that no torn line comes to stand before a whole one."""
        try:
            self._log.roll_back()
        except OSError as error:
            raise StorageFault(
                f"{self.path} can't be written nor mended: {error.strerror or error}"
            ) from error

    def close(self) -> None:
        """Close the file; it can't be appended to any more."""
        self._log.close()
