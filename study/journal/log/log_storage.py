"""Where a journal's bytes lie: in a local file that grows, or in a row of objects on an object
store, which can't append.

The objects are immutable and named by the number of their first record. Each is created only where
none of that name is yet, so two drivers can't both go on from the same record: the one that comes
second is superseded, and stops.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, Protocol

from study.errors import StateLost, Superseded
from study.files.atomic import FILE_MODE, lies_at, make_folder, sync_folder
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath, StoredObject
from study.files.storage import StoragePath
from study.journal.log.record_lines import PART_BYTES, in_parts

MERGE_EVERY = 500
"""So many objects are also kept as one, so that a long journal is read in few requests."""
_READERS = 16
_SINGLE = re.compile(r"(\d{10})\.jsonl")
_MERGED = re.compile(r"(\d{10})-(\d{10})\.jsonl")


def log_at(path: StoragePath) -> Log:
    """The log at ``path``, be there one yet or not."""
    return _FORMS[type(path)](path)


class Log(Protocol):
    """Bytes that only grow, in records that are numbered from 0."""

    can_be_torn: bool
    """Whether a kill can leave the last append torn."""

    def exists(self) -> bool: ...

    def create(self) -> None:
        """Begin an empty log, whose name is durable once it is opened."""

    def parts(self) -> Iterator[bytes]:
        """Read all of it, part by part."""

    def read(self) -> bytes:
        """Read all of it at once."""

    def parts_without_copies(self) -> Iterator[bytes]:
        """Read all of it, past copies that may be damaged, part by part."""

    def size(self) -> int:
        """Count its bytes without reading them."""

    def goes_on(self, end: int, record: int) -> bool:
        """Whether there is more than records up to, but not with, ``record``, which end at byte
        ``end``.
        """

    def open_at(self, end: int) -> None:
        """Open it for appending after byte ``end``, and cut what follows that byte."""

    def append(self, data: bytes, record: int, following: int) -> None:
        """Make records ``record`` up to, but not with, ``following`` durable.

        Raises OSError where that fails, Superseded where another driver has written them, and
        StateLost where the log isn't any more what this driver has written.
        """

    def roll_back(self) -> None:
        """Drop what a failed append left; StateLost where it is not that alone."""

    def close(self) -> None: ...

    def remove(self) -> None:
        """Remove the log for good."""


class FileLog:
    """A log that is one file."""

    can_be_torn = True

    def __init__(self, path: LocalPath) -> None:
        self.path = path
        self._end = 0
        self._descriptor = -1
        self._appending = b""
        """What the last append was to write, be it written or not."""

    def exists(self) -> bool:
        return self.path.exists()

    def create(self) -> None:
        make_folder(self.path.parent)
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))

    def parts(self) -> Iterator[bytes]:
        with self.path.open_binary() as file:
            yield from iter(lambda: file.read(PART_BYTES), b"")

    parts_without_copies = parts

    def read(self) -> bytes:
        return self.path.read_bytes()

    def size(self) -> int:
        return self.path.stat().st_size

    def goes_on(self, end: int, record: int) -> bool:
        return self.size() > end

    def open_at(self, end: int) -> None:
        self._end = end
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
        if self.size() > end:
            os.ftruncate(self._descriptor, end)
            os.fsync(self._descriptor)
        if end == 0:
            self._make_name_durable()

    def _make_name_durable(self) -> None:
        """Sync what the file lies in: a driver that has made it may have died before it did."""
        make_folder(self.path.parent)
        sync_folder(self.path.parent)

    def append(self, data: bytes, record: int, following: int) -> None:
        self._check_unchanged()
        self._appending = data
        unwritten = memoryview(data)
        while unwritten:
            written = os.write(self._descriptor, unwritten)
            unwritten = unwritten[written:]
        os.fsync(self._descriptor)
        self._check_alone()
        self._end += len(data)

    def _check_alone(self) -> None:
        """Raise StateLost where somebody else has changed the file while this append was written.

        A write may take long to arrive, and by then a removed lock may have let another driver in.
        What came behind that one's records is taken back, if nobody has cut or followed it yet.
        """
        size = self._size()
        if size == self._end + len(self._appending):
            return
        changed = self._changed(size)
        own = size - len(self._appending)
        is_behind = own > self._end and self._read_at(own, len(self._appending)) == self._appending
        if is_behind and self._size() == size:
            os.ftruncate(self._descriptor, own)
        raise changed

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def _read_at(self, place: int, most: int) -> bytes:
        return os.pread(self._descriptor, most, place)

    def _check_unchanged(self) -> None:
        """Raise StateLost where the file isn't the one, or as long, as this driver has left it."""
        if not lies_at(self._descriptor, self.path):
            raise StateLost(
                f"{self.path} was removed, moved or replaced while the study was being driven:"
                " nothing more is recorded"
            )
        size = self._size()
        if size != self._end:
            raise self._changed(size)

    def _changed(self, size: int) -> StateLost:
        return StateLost(
            f"{self.path} was changed by somebody else while the study was being driven, to"
            f" {size} bytes from {self._end}: nothing more is recorded"
        )

    def roll_back(self) -> None:
        left = self._read_at(self._end, len(self._appending) + 1)
        if self._size() < self._end or not self._can_have_left(left):
            raise self._changed(self._size())
        os.ftruncate(self._descriptor, self._end)

    def _can_have_left(self, found: bytes) -> bool:
        """Whether bytes can be what the last append has left: what never came to the disk reads as
        zeros.
        """
        pairs = zip(found, self._appending, strict=False)
        return len(found) <= len(self._appending) and all(is_ in (0, was) for is_, was in pairs)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        self.path.remove_tree()


class ObjectLog:
    """A log of one object an append: ``events/0000000000.jsonl`` and so on.

    ``merged/`` holds copies of many of them as one object, named by the first record in it and the
    one after its last. Copies save requests, and nothing hangs on them. Objects with other names
    are not the log's.
    """

    can_be_torn = False

    def __init__(self, path: ObjectPath) -> None:
        self.path = path
        self.merged = path.parent / "merged"
        self._unmerged: list[bytes] = []
        self._unmerged_from = 0

    def exists(self) -> bool:
        return any(self._single_objects()) or any(self._merged_objects())

    def create(self) -> None:
        """Nothing: the first append is its beginning."""

    def parts(self) -> Iterator[bytes]:
        copies = self._merged_chain()
        record = 0
        with ThreadPoolExecutor(_READERS) as pool:
            for copy, content in zip(copies, pool.map(_content, copies), strict=True):
                if content.count(b"\n") != copy.following - copy.first:
                    break  # the single objects from here on have what it should hold
                yield from in_parts(content)
                record = copy.following
        yield from in_parts(self._read_single(record))

    def read(self) -> bytes:
        return b"".join(self.parts())

    def parts_without_copies(self) -> Iterator[bytes]:
        yield from in_parts(self._read_single(0))

    def read_from(self, record: int) -> bytes:
        """Read what was appended from a record on, with which an append began."""
        single = list(self._single_objects(record))
        with ThreadPoolExecutor(_READERS) as pool:
            return b"".join(pool.map(_content, single))

    def _read_single(self, record: int) -> bytes:
        """Read the objects of single appends from a record on, which are then to be merged."""
        single = list(self._single_objects(record))
        with ThreadPoolExecutor(_READERS) as pool:
            self._unmerged = list(pool.map(_content, single))
        self._unmerged_from = record
        return b"".join(self._unmerged)

    def size(self) -> int:
        copies = self._merged_chain()
        record = copies[-1].following if copies else 0
        objects = [copy.stored for copy in copies]
        objects += [single.stored for single in self._single_objects(record)]
        return sum(stored.size_bytes for stored in objects)

    def goes_on(self, end: int, record: int) -> bool:
        return self._single(record).is_file()  # which a listing may not show yet

    def open_at(self, end: int) -> None:
        pass

    def append(self, data: bytes, record: int, following: int) -> None:
        path = self._single(record)
        try:
            path.create_exclusively(data)
        except FileExistsError:
            # it may be this very append, whose answer was lost: unless somebody has gone on since
            is_own = path.read_bytes() == data
            if not is_own or self._single(following).is_file():
                raise Superseded("another driver has taken the study over") from None
        self._unmerged.append(data)
        if len(self._unmerged) >= MERGE_EVERY:
            with suppress(OSError):  # the append is made; merging is tried again at the next one
                self._merge(following)

    def _single(self, record: int) -> ObjectPath:
        """Where an append lies that begins with a record."""
        return self.path / f"{record:010d}.jsonl"

    def _merge(self, following: int) -> None:
        """Keep what was appended since the last merge, up to record ``following``, as one more
        object.
        """
        name = f"{self._unmerged_from:010d}-{following:010d}.jsonl"
        (self.merged / name).write_whole(b"".join(self._unmerged))
        self._unmerged, self._unmerged_from = [], following

    def roll_back(self) -> None:
        pass

    def close(self) -> None:
        pass

    def remove(self) -> None:
        """Remove the objects from the last to the first: a removal that is broken off leaves a
        shorter log.
        """
        self.merged.remove_tree()
        for single in reversed(list(self._single_objects())):
            single.stored.path.unlink(missing_ok=True)
        self.path.remove_tree()

    def _merged_chain(self) -> list[_LogObject]:
        """The merged objects that follow on each other from the start. Of several that begin alike
        the longest counts: it is the one that was made last.
        """
        by_first = {merged.first: merged for merged in self._merged_objects()}
        chain: list[_LogObject] = []
        record = 0
        while record in by_first:
            merged = by_first[record]
            chain.append(merged)
            record = merged.following
        return chain

    def _merged_objects(self) -> Iterator[_LogObject]:
        """All merged objects by their names."""
        for stored in self.merged.objects_below():
            name = _MERGED.fullmatch(stored.path.name)
            if name and stored.path.parent == self.merged and int(name[1]) < int(name[2]):
                yield _LogObject(stored, int(name[1]), int(name[2]))

    def _single_objects(self, record: int = 0) -> Iterator[_LogObject]:
        """The objects of single appends by their names, from a record on."""
        after = f"{record - 1:010d}.jsonl" if record else ""
        for stored in self.path.objects_below(after):
            name = _SINGLE.fullmatch(stored.path.name)
            if name and stored.path.parent == self.path:
                yield _LogObject(stored, int(name[1]), int(name[1]) + 1)


class _LogObject(NamedTuple):
    """An object of a log, and from which record on, up to which, it is known to hold them."""

    stored: StoredObject
    first: int
    following: int


def _content(found: _LogObject) -> bytes:
    return found.stored.path.read_bytes()


_FORMS: dict[type[StoragePath], Callable[[Any], Log]] = {
    LocalPath: FileLog,
    ObjectPath: ObjectLog,
}
