"""Where a journal's bytes lie: in a local file that grows, or in a row of objects on an object
store, which can't append.

The objects are immutable and named by the number of their first record. Each is created only where
none of that name is yet, so two drivers can't both go on from the same record: the one that comes
second is superseded, and stops.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from study.errors import Superseded
from study.files.atomic import FILE_MODE, make_folder, sync_folder
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath, StoredObject
from study.files.storage import StoragePath

MERGE_EVERY = 500
"""So many objects are also kept as one, so that a long journal is read in few requests."""
_READERS = 16


def log_at(path: StoragePath) -> Log:
    """The log at ``path``, be there one yet or not."""
    return _FORMS[type(path)](path)


class Log(Protocol):
    """Bytes that only grow, in records that are numbered from 0."""

    can_be_torn: bool
    """Whether a kill can leave the last append torn."""

    def exists(self) -> bool: ...

    def create(self) -> None:
        """Begin an empty log whose name is durable."""

    def read(self) -> bytes:
        """Read all of it."""

    def size(self) -> int:
        """Count its bytes without reading them."""

    def open_at(self, end: int) -> None:
        """Open it for appending after byte ``end``, and cut what follows that byte."""

    def append(self, data: bytes, record: int, following: int) -> None:
        """Make records ``record`` up to, but not with, ``following`` durable.

        Raises OSError where that fails, and Superseded where another driver has written them.
        """

    def roll_back(self) -> None:
        """Drop what a failed append left."""

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

    def exists(self) -> bool:
        return self.path.exists()

    def create(self) -> None:
        make_folder(self.path.parent)
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
        sync_folder(self.path.parent)

    def read(self) -> bytes:
        return self.path.read_bytes()

    def size(self) -> int:
        return self.path.stat().st_size

    def open_at(self, end: int) -> None:
        self._end = end
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        if self.size() > end:
            os.ftruncate(self._descriptor, end)
            os.fsync(self._descriptor)

    def append(self, data: bytes, record: int, following: int) -> None:
        unwritten = memoryview(data)
        while unwritten:
            written = os.write(self._descriptor, unwritten)
            unwritten = unwritten[written:]
        os.fsync(self._descriptor)
        self._end += len(data)

    def roll_back(self) -> None:
        os.ftruncate(self._descriptor, self._end)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def remove(self) -> None:
        self.path.remove_tree()


class ObjectLog:
    """A log of one object an append: ``events/0000000000.jsonl`` and so on.

    ``merged/`` holds copies of many of them as one object, named by the first record in it and the
    one after its last.
    """

    can_be_torn = False

    def __init__(self, path: ObjectPath) -> None:
        self.path = path
        self.merged = path.parent / "merged"
        self._unmerged: list[bytes] = []
        self._unmerged_from = 0

    def exists(self) -> bool:
        return self.path.is_dir()

    def create(self) -> None:
        """Nothing: the first append is its beginning."""

    def read(self) -> bytes:
        merged, self._unmerged_from = self._merged_objects()
        single = self._objects_from(self._unmerged_from)
        with ThreadPoolExecutor(_READERS) as pool:
            contents = list(pool.map(_content, merged))
            self._unmerged = list(pool.map(_content, single))
        return b"".join([*contents, *self._unmerged])

    def size(self) -> int:
        merged, record = self._merged_objects()
        objects = merged + self._objects_from(record)
        return sum(found.size_bytes for found in objects)

    def open_at(self, end: int) -> None:
        pass

    def append(self, data: bytes, record: int, following: int) -> None:
        path = self.path / f"{record:010d}.jsonl"
        try:
            path.create_exclusively(data)
        except FileExistsError:
            if path.read_bytes() != data:  # else it was this very append, whose answer was lost
                raise Superseded("another driver has taken the study over") from None
        self._unmerged.append(data)
        if len(self._unmerged) >= MERGE_EVERY:
            self._merge(following)

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
        self.merged.remove_tree()
        self.path.remove_tree()

    def _merged_objects(self) -> tuple[list[StoredObject], int]:
        """The merged objects that follow on each other from the start, and the record after
        them.
        """
        merged: list[StoredObject] = []
        record = 0
        for found in self.merged.objects_below():
            first, _, following = found.path.name.removesuffix(".jsonl").partition("-")
            if int(first) == record:
                merged.append(found)
                record = int(following)
        return merged, record

    def _objects_from(self, record: int) -> list[StoredObject]:
        """The objects of single appends from this record on."""
        after = f"{record - 1:010d}.jsonl" if record else ""
        return list(self.path.objects_below(after))


def _content(found: StoredObject) -> bytes:
    return found.path.read_bytes()


_FORMS: dict[type[StoragePath], Callable[[Any], Log]] = {
    LocalPath: FileLog,
    ObjectPath: ObjectLog,
}
