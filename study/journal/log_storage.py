"""Where a journal's bytes lie: a local file that grows, or on an object store, which can't append,
a row of objects.

The objects are immutable and named by the number of their first record, each created only where
none of that name is yet. So two drivers can't both go on from the same record: whoever comes second
is superseded, and stops.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from study.errors import Superseded
from study.files.atomic import make_folder, remove_tree, sync_folder
from study.files.layout import FILE_MODE
from study.files.object_store import ObjectPath, Place

MERGE_EVERY = 500
"""So many objects are also kept as one, so that a long journal is read in few requests."""
_READERS = 16


class Log(Protocol):
    """Bytes that only grow."""

    tears: bool
    """Whether a kill can leave the last append torn."""

    def exists(self) -> bool: ...

    def create(self) -> None: ...

    def read(self) -> bytes: ...

    def size(self) -> int: ...

    def open(self, end: int) -> None:
        """Go on from byte ``end``: what follows it is cut."""

    def append(self, data: bytes, record: int, following: int) -> None:
        """Make records ``record`` up to, but not with, ``following`` durable; OSError where that
        fails.
        """

    def roll_back(self) -> None:
        """Drop what a failed append left."""

    def close(self) -> None: ...


class FileLog:
    """One file."""

    tears = True

    def __init__(self, path: Path) -> None:
        self.path = path
        self._end = 0
        self._descriptor = -1

    def exists(self) -> bool:
        return self.path.exists()

    def create(self) -> None:
        """The empty file, its name durable."""
        make_folder(self.path.parent)
        os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
        sync_folder(self.path.parent)

    def read(self) -> bytes:
        return self.path.read_bytes()

    def size(self) -> int:
        return self.path.stat().st_size

    def open(self, end: int) -> None:
        self._end = end
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        if self.size() > end:
            os.ftruncate(self._descriptor, end)
            os.fsync(self._descriptor)

    def append(self, data: bytes, record: int, following: int) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]
        os.fsync(self._descriptor)
        self._end += len(data)

    def roll_back(self) -> None:
        os.ftruncate(self._descriptor, self._end)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class ObjectLog:
    """``events/0000000000.jsonl`` and so on, one object an append; ``merged/`` holds copies of many
    as one.
    """

    tears = False

    def __init__(self, path: ObjectPath) -> None:
        self.path = path
        self.merged = path.parent / "merged"
        self._loose: list[bytes] = []
        self._loose_from = 0

    def exists(self) -> bool:
        return self.path.is_dir()

    def create(self) -> None:
        """Nothing: the first append is its beginning."""

    def read(self) -> bytes:
        chunks, self._loose_from = self._chunks()
        parts = [self.path / name for name, _ in self._parts_from(self._loose_from)]
        with ThreadPoolExecutor(_READERS) as pool:
            merged = list(pool.map(ObjectPath.read_bytes, (chunk for chunk, _ in chunks)))
            self._loose = list(pool.map(ObjectPath.read_bytes, parts))
        return b"".join([*merged, *self._loose])

    def size(self) -> int:
        chunks, record = self._chunks()
        return sum(size for _, size in chunks) + sum(size for _, size in self._parts_from(record))

    def open(self, end: int) -> None:
        pass

    def append(self, data: bytes, record: int, following: int) -> None:
        part = self.path / f"{record:010d}.jsonl"
        try:
            part.create(data)
        except FileExistsError:
            if part.read_bytes() != data:  # else it was this very append, whose answer was lost
                raise Superseded("another driver has taken the study over") from None
        self._loose.append(data)
        if len(self._loose) >= MERGE_EVERY:
            (self.merged / f"{self._loose_from:010d}-{following:010d}.jsonl").write_bytes(
                b"".join(self._loose)
            )
            self._loose, self._loose_from = [], following

    def roll_back(self) -> None:
        pass

    def close(self) -> None:
        pass

    def _chunks(self) -> tuple[list[tuple[ObjectPath, int]], int]:
        """The merged objects that follow on each other from the start with their sizes, and the
        record after them.
        """
        chunks: list[tuple[ObjectPath, int]] = []
        record = 0
        for each in self.merged.below():
            chunk = ObjectPath(self.path.root, each["path"])
            first, _, following = chunk.name.removesuffix(".jsonl").partition("-")
            if int(first) == record:
                chunks.append((chunk, each["size"]))
                record = int(following)
        return chunks, record

    def _parts_from(self, record: int) -> list[tuple[str, int]]:
        """The names and sizes of the objects from this record on."""
        after = f"{record - 1:010d}.jsonl" if record else ""
        return [(each["path"].rpartition("/")[2], each["size"]) for each in self.path.below(after)]


def log_at(path: Place) -> FileLog | ObjectLog:
    return ObjectLog(path) if isinstance(path, ObjectPath) else FileLog(path)


def remove_log(path: Place) -> None:
    """Remove a journal's bytes: without them there is no study."""
    if isinstance(path, ObjectPath):
        remove_tree(path.parent / "merged")
    remove_tree(path)
