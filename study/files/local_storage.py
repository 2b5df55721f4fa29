"""A storage that is a folder of this machine, or of a network file system that it has mounted."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PosixPath
from typing import BinaryIO

from study.files.atomic import FILE_MODE, make_folder, temporary_prefix, write_whole
from study.files.storage import StoragePath


class LocalPath(PosixPath, StoragePath):
    """A ``pathlib.Path`` that also writes whole files, lists trees and locks folders."""

    __slots__ = ()

    can_append = True
    has_locks = True

    def local_path(self) -> Path:
        return Path(self)

    def open_binary(self) -> BinaryIO:
        return self.open("rb")

    def write_whole(self, content: bytes | str) -> None:
        write_whole(self, content)

    def make_folder(self, levels: int | None = None) -> None:
        make_folder(self, levels)

    def files_below(self) -> Iterator[tuple[str, ...]]:
        for folder, _, names in os.walk(self, onerror=_raise_unless_missing):
            parts = Path(folder).relative_to(self).parts
            for name in names:
                yield (*parts, name)

    def version_below(self) -> str:
        listing = ""
        for parts in sorted(self.files_below()):
            status = self.joinpath(*parts).stat()
            listing += f"{parts} {status.st_size} {status.st_mtime_ns}\n"
        return hashlib.sha256(listing.encode()).hexdigest() if listing else ""

    def remove_tree(self) -> None:
        if self.is_dir():
            shutil.rmtree(self)
        else:
            self.unlink(missing_ok=True)

    def remove_partial_writes(self, prefix: str) -> None:
        for partial in self.glob(f"{temporary_prefix(prefix)}*"):
            partial.unlink(missing_ok=True)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        descriptor = os.open(self / ".lock", os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _raise_unless_missing(error: OSError) -> None:
    """Raise what ``os.walk`` met, so that a folder that can't be read isn't taken for an empty
    one.
    """
    if not isinstance(error, FileNotFoundError):
        raise error
