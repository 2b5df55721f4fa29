"""What a simulated disk gives in the place of Python's own files and listings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class WrittenFile:
    """A file object on a descriptor of the disk, that writes through it."""

    def __init__(
        self, descriptor: int, write: Callable[[int, Any], int], close: Callable[[int], None]
    ) -> None:
        self._descriptor = descriptor
        self._write = write
        self._close = close

    def __enter__(self) -> WrittenFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._close(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: bytes) -> int:
        unwritten = memoryview(data)
        while unwritten:
            unwritten = unwritten[self._write(self._descriptor, unwritten) :]
        return len(data)

    def flush(self) -> None:
        pass


class Listing:
    """What lies in a folder, in the order of names: the same on every file system."""

    def __init__(self, entries: Iterable[os.DirEntry[Any]]) -> None:
        self._entries = iter(sorted(entries, key=lambda entry: entry.name))

    def __enter__(self) -> Iterator[os.DirEntry[Any]]:
        return self._entries

    def __exit__(self, *error: object) -> None:
        pass

    def __iter__(self) -> Iterator[os.DirEntry[Any]]:
        return self._entries

    def __next__(self) -> os.DirEntry[Any]:
        return next(self._entries)

    def close(self) -> None:
        pass
