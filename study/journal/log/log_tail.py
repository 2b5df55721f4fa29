"""What was appended to a journal's log since one looked last, without reading the whole again."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath
from study.journal.log import record_lines
from study.journal.log.log_storage import ObjectLog

_LOOKS_A_CHECK = 12
"""Each time that so many looks have found nothing new on an object store, one more request finds
out whether the log is still the same.
"""


class Place(NamedTuple):
    """How far a log was read: so many bytes, which hold so many records."""

    byte: int = 0
    record: int = 0


class LogTail(Protocol):
    """The end of a log, for those who follow it."""

    def appended(self, place: Place) -> bytes | None:
        """Return what the log holds after a place; None where it isn't any more the log in which
        that place was reached.

        Of a file that has more it is the first LARGEST_APPEND_BYTES. Raises OSError where the
        storage refuses.
        """


def tail_at(path: StoragePath) -> LogTail:
    """Return the tail of the log at ``path``, be there one yet or not."""
    return _FORMS[type(path)](path)


class FileTail:
    """The tail of a log that is one file."""

    def __init__(self, path: LocalPath) -> None:
        self._path = path
        self._file: tuple[int, int] | None = None
        """Device and number of the file that was read."""

    def appended(self, place: Place) -> bytes | None:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None if place.byte else b""
        try:
            found = os.fstat(descriptor)
            is_other = self._file not in (None, (found.st_dev, found.st_ino))
            if place.byte and (is_other or found.st_size < place.byte):
                return None
            self._file = (found.st_dev, found.st_ino)
            size = min(found.st_size - place.byte, record_lines.LARGEST_APPEND_BYTES)
            return _read_at(descriptor, place.byte, size)
        finally:
            os.close(descriptor)


def _read_at(descriptor: int, start: int, size: int) -> bytes:
    """Read ``size`` bytes, or as many as there are."""
    parts = []
    while size > 0:
        part = os.pread(descriptor, min(size, 1 << 26), start)
        if not part:
            break
        parts.append(part)
        start += len(part)
        size -= len(part)
    return b"".join(parts)


class ObjectTail:
    """The tail of a log of one object an append."""

    def __init__(self, path: ObjectPath) -> None:
        self._log = ObjectLog(path)
        self._first = path / f"{0:010d}.jsonl"
        self._began: datetime | None = None
        """When the first object was written."""
        self._looks = 0

    def appended(self, place: Place) -> bytes | None:
        if not place.record:
            self._began = self._first.modified()
            return self._log.read() if self._began else b""
        data = self._log.read_from(place.record)
        self._looks += 1
        if not data and self._looks >= _LOOKS_A_CHECK:
            self._looks = 0
            with suppress(FileNotFoundError):
                if self._first.modified() != self._began:
                    return None
        return data


_FORMS: dict[type[StoragePath], Callable[[Any], LogTail]] = {
    LocalPath: FileTail,
    ObjectPath: ObjectTail,
}
