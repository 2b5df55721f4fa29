"""A storage that is a folder of this machine, or of a network file system that it has mounted."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PosixPath
from typing import BinaryIO

from study.errors import UserError
from study.files.atomic import FILE_MODE, make_folder, sync_folder, temporary_prefix, write_whole
from study.files.storage import ListedFile, StoragePath

_SPECIAL_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


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

    def write_unless(self, content: bytes, is_newer: Callable[[bytes], bool]) -> bool:
        if self.exists() and is_newer(self.read_bytes()):
            return False
        write_whole(self, content)
        return True

    def write_new(self, content: bytes | str) -> None:
        data = content.encode() if isinstance(content, str) else content
        if not self.exists():
            write_whole(self, data)
        elif self.read_bytes() != data:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self))

    def check_write_new(self) -> None:
        """Nothing: a driver's lock sees to it."""

    def make_folder(self, levels: int | None = None) -> None:
        make_folder(self, levels)

    def check_plain(self) -> None:
        with suppress(FileNotFoundError):
            _refuse_special(self, os.lstat(self).st_mode)
        folders = [str(self)] if self.is_dir() else []
        while folders:
            for entry in _entries(folders.pop()):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif not entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):  # it has gone meanwhile
                        _refuse_special(entry.path, os.lstat(entry.path).st_mode)

    def files_below(self) -> Iterator[tuple[str, ...]]:
        for folder, _, names in os.walk(self, onerror=_raise_unless_missing):
            parts = Path(folder).relative_to(self).parts
            for name in names:
                yield (*parts, name)

    def listed_below(self) -> Iterator[ListedFile]:
        folders, seen = [""], set[tuple[int, int]]()
        while folders and self.is_dir():
            name = folders.pop()
            status = (self / name).stat()
            if (status.st_dev, status.st_ino) in seen:
                continue  # links lead here again
            seen.add((status.st_dev, status.st_ino))
            for entry in _entries(str(self / name)):
                path = f"{name}/{entry.name}" if name else entry.name
                if entry.is_dir():
                    folders.append(path)
                else:
                    yield _listed(entry, path)

    def bytes_below(self) -> int:
        total = 0
        folders = [str(self)]
        while folders:
            for entry in _entries(folders.pop()):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    with suppress(FileNotFoundError):  # removed meanwhile
                        total += entry.stat(follow_symlinks=False).st_size
        return total

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

    def remove_trees(self, *names: str) -> None:
        for name in names:
            (self / name).remove_tree()

    def make_names_durable(self) -> None:
        sync_folder(self)

    def remove_partial_writes(self, *prefixes: str) -> None:
        begun = tuple(temporary_prefix(prefix) for prefix in prefixes)
        for entry in _entries(str(self)):
            if entry.name.startswith(begun):
                (self / entry.name).unlink(missing_ok=True)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        descriptor = os.open(self / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, FILE_MODE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """List what lies directly in a folder; nothing where it has gone meanwhile."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _listed(entry: os.DirEntry[str], path: str) -> ListedFile:
    try:
        status = entry.stat()
    except FileNotFoundError:  # a link that leads nowhere
        return ListedFile(path, -1, 0)
    return ListedFile(path, status.st_size, status.st_mtime_ns)


def _refuse_special(path: str | Path, mode: int) -> None:
    """Raise UserError unless the mode is that of a file or a folder."""
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return
    kind = _SPECIAL_KINDS.get(stat.S_IFMT(mode), "a special file")
    raise UserError(
        f"{path} is {kind}: a study's folder has only files and folders in it, and one with"
        " anything else is not opened; remove it, or put in its place what it stands for"
    )


def _raise_unless_missing(error: OSError) -> None:
    """Raise what ``os.walk`` met, so that a folder that can't be read isn't taken for an empty
    one.
    """
    if not isinstance(error, FileNotFoundError):
        raise error
