"""The journal: an append-only log of events, one JSON line each, durable before anybody acts on
them.

A record is an event as a line has it. A torn tail, which is an append that isn't there as a whole,
is cut and the cut reported, as is an append of a driver that another one has gone on without;
damage elsewhere is refused with its place. Appending three reports of ten metrics each and syncing
them costs one ``fsync``; a disk that is full or away for a while makes the append wait.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from study.errors import JournalDamaged, StateLost, StorageFault, Superseded
from study.files.storage import StoragePath
from study.journal.event_codec import Record
from study.journal.log.log_storage import Log, log_at
from study.journal.log.record_lines import (
    Reading,
    WholeRecords,
    encode_append,
    whole_blocks,
)

PATIENCE_S = 900.0
PAUSE_S = 2.0
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Cut:
    """A tail that was dropped: an append that is torn, or that came too late."""

    at_byte: int
    size_bytes: int

    def __str__(self) -> str:
        return (
            f"the journal's last append was torn or late: {self.size_bytes} bytes cut at byte"
            f" {self.at_byte}"
        )


def read_records(path: StoragePath) -> list[dict[str, Any]]:
    """Read every whole record, oldest first, as a reader that holds no lock; none where there is no
    journal. A tail that is being written is left out.
    """
    return [record for block in blocks_of(path) for record in block.records]


def blocks_of(path: StoragePath) -> Iterator[WholeRecords]:
    """Read the same some dozens of records at a time, so that no more of them are in memory; each
    time with how many bytes are read.

    JournalDamaged comes behind the records that can be read.
    """
    log = log_at(path)
    if log.exists():
        yield from _LogReading(log, path).blocks()


class _LogReading:
    """Reads what a log holds."""

    def __init__(self, log: Log, path: StoragePath) -> None:
        self._log = log
        self._path = path
        self.record_count = 0
        """How many whole records were given."""
        self.size_bytes = 0
        """How many bytes they take."""
        self.torn_bytes = 0
        """How many bytes of a torn or late tail follow them; known at the end."""

    def blocks(self) -> Iterator[WholeRecords]:
        """Read the records in blocks; JournalDamaged where more than the log's tail is bad.

        What seems so is read once more: copies of records may be damaged, which aren't read then,
        or the tail was taken back while it was read.
        """
        try:
            yield from self._unknown_blocks(self._log.parts())
        except JournalDamaged:
            yield from self._unknown_blocks(self._log.parts_without_copies())

    def _unknown_blocks(self, parts: Iterable[bytes]) -> Iterator[WholeRecords]:
        """Read a log from its beginning; give what wasn't given yet."""
        known, count = self.record_count, 0
        reading = Reading(parts)
        for block in whole_blocks(reading, self._path, can_be_torn=self._log.can_be_torn):
            unknown = block.records[max(0, known - count) :]
            count += len(block.records)
            if unknown:
                self.record_count, self.size_bytes = count, block.size_bytes
                yield WholeRecords(unknown, block.size_bytes)
        self.torn_bytes = reading.torn_bytes


def journal_bytes(path: StoragePath) -> int:
    """Count a journal's bytes."""
    return log_at(path).size()


def journal_hash(path: StoragePath) -> str:
    """Hash a journal's bytes, without reading what they say; on an object store the names, sizes
    and times of its objects, none of which is ever changed.
    """
    if not path.can_append:
        return path.version_below()
    found = hashlib.sha256()
    with path.open_binary() as file:
        for block in iter(lambda: file.read(_BLOCK_BYTES), b""):
            found.update(block)
    return found.hexdigest()


def check_no_newer(path: StoragePath, size_bytes: int, record_count: int) -> None:
    """Raise Superseded where a journal has more than so many records, of so many bytes."""
    if log_at(path).goes_on(size_bytes, record_count):
        raise Superseded("another driver has taken the study over")


class Journal:
    """A journal opened by its one driver."""

    def __init__(self, path: StoragePath, log: Log, reading: _LogReading) -> None:
        self.path = path
        self.cut: Cut | None = None
        """The tail that was dropped when it was opened, torn or late."""
        if reading.torn_bytes:
            self.cut = Cut(reading.size_bytes, reading.torn_bytes)
        self.size_bytes = reading.size_bytes
        self.record_count = reading.record_count
        """How many there are by now."""
        self.on_wait: Callable[[str], None] = lambda message: None
        """Called with one line each time that an append has to wait."""
        self.check_may_append: Callable[[], None] = lambda: None
        """Called before each append; raises where this process may not drive the study any more."""
        self._log = log
        log.open_at(self.size_bytes)

    @classmethod
    def create(cls, path: StoragePath) -> Self:
        """Begin an empty journal whose name is durable."""
        log = log_at(path)
        log.create()
        return cls(path, log, _LogReading(log, path))

    @classmethod
    def open(
        cls, path: StoragePath, take: Callable[[Sequence[Record]], None] = lambda records: None
    ) -> Self:
        """Open a journal that is there; its tail, if it is torn or late, is cut from the file.

        ``take`` is called with its records, some dozens at a time.
        """
        log = log_at(path)
        reading = _LogReading(log, path)
        for block in reading.blocks():
            take(block.records)
        return cls(path, log, reading)

    def records(self) -> Iterator[Record]:
        """Read the records that are known here one by one, those too that were appended here.

        Raises StateLost where some are gone by now.
        """
        unread = self.record_count
        for block in blocks_of(self.path):
            known = block.records[:unread]
            unread -= len(known)
            yield from known
        if unread:
            raise self._lost(self.record_count - unread)

    def append(self, *records: Record) -> None:
        """Make records durable, all or none.

        Waits up to PATIENCE_S while the storage refuses, then raises StorageFault. Raises
        Superseded or StateLost where the study is no longer this driver's.
        """
        following = self.record_count + len(records)
        data = encode_append(self.record_count, records)
        began = time.monotonic()
        while error := self._refusal(data, following):
            reason = f"{self.path} can't be written"
            if time.monotonic() - began > PATIENCE_S:
                raise StorageFault(f"{reason}: {error.strerror or error}") from error
            self.on_wait(f"paused: {reason} ({error.strerror or error}); trying again")
            time.sleep(PAUSE_S)
        self.size_bytes += len(data)
        self.record_count = following

    def _refusal(self, data: bytes, following: int) -> OSError | None:
        """Append; return the error with which the storage refuses, which leaves nothing behind."""
        try:
            try:
                self.check_may_append()
                self._log.append(data, self.record_count, following)
            except OSError as error:
                self._roll_back()
                return error
        except StateLost:
            with suppress(OSError):
                self.check_may_append()  # the lock's loss explains it, where that is lost too
            raise
        return None

    def _roll_back(self) -> None:
        """Drop what a failed write left, so that no torn line comes to stand before a whole one."""
        try:
            self._log.roll_back()
        except OSError as error:
            raise StorageFault(
                f"{self.path} can't be written nor mended: {error.strerror or error}"
            ) from error

    def check_newest(self) -> None:
        """Raise Superseded where another driver has recorded something since this was opened."""
        check_no_newer(self.path, self.size_bytes, self.record_count)

    def check_stored(self) -> None:
        """Raise StateLost or JournalDamaged where records that were appended are gone by now.

        A look at the stored sizes tells whether they have to be read for that.
        """
        if self._log.size() == self.size_bytes:
            return
        found = sum(len(block.records) for block in blocks_of(self.path))
        if found < self.record_count:
            raise self._lost(found)

    def _lost(self, found: int) -> StateLost:
        return StateLost(
            f"{self.path} has {found} records, and {self.record_count} were written: it was changed"
            " by somebody else while the study was being driven"
        )

    def close(self) -> None:
        """Close the file; it can't be appended to any more."""
        self._log.close()
