"""A disk that forgets what was not synced when its machine loses power.

Files lie for real in a folder in memory (``/dev/shm``), so that everything above the system's calls
is the project's and Python's own. The calls that change something go through this file: it knows
which bytes and which names are durable, has the process die in between, and refuses as a disk does
that is full, broken or away. ``lose_power`` gives back what a file system may: names that were not
synced are gone, or half of them, and bytes that were not synced are cut, or zeros.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import shutil
import stat
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .faults import Faults
from .world import Host, Process, World

REAL_OPEN, REAL_CLOSE, REAL_WRITE = os.open, os.close, os.write
REAL_FSYNC, REAL_TRUNCATE = os.fsync, os.ftruncate
REAL_REPLACE, REAL_RENAME, REAL_UNLINK = os.replace, os.rename, os.unlink
REAL_MKDIR, REAL_RMDIR = os.mkdir, os.rmdir
REAL_STAT, REAL_SCANDIR = os.stat, os.scandir
REAL_FILE, REAL_FDOPEN, REAL_FLOCK = io.open, os.fdopen, fcntl.flock

LOCK_POLL_S = 0.05
SECTOR_BYTES = 512


@dataclass
class OpenFile:
    path: str
    process: Process


@dataclass
class Unsynced:
    """A file some of whose bytes are not durable."""

    host: Host
    durable: bytes | int
    """The content that is durable; as a number, so many bytes from the beginning."""


@dataclass
class Change:
    """A change of a folder's names that is not durable yet."""

    host: Host
    undo: Callable[[], None]


class LocalDisk:
    """What lies below ``root``."""

    def __init__(self, world: World, faults: Faults, root: str) -> None:
        self.root = root
        self._world = world
        self._faults = faults
        self._open: dict[int, OpenFile] = {}
        self._unsynced: dict[str, Unsynced] = {}
        self._changes: defaultdict[str, list[Change]] = defaultdict(list)
        self._names = 0

    def replacements(self) -> list[tuple[object, str, object]]:
        """What stands in the place of Python's own: owner, attribute, stand-in."""
        return [
            (os, "open", self.open),
            (os, "close", self.close),
            (os, "write", self.write),
            (os, "fsync", self.fsync),
            (os, "ftruncate", self.ftruncate),
            (os, "replace", self.replace),
            (os, "rename", self.replace),
            (os, "unlink", self.unlink),
            (os, "remove", self.unlink),
            (os, "mkdir", self.mkdir),
            (os, "rmdir", self.rmdir),
            (os, "stat", self.stat),
            (os, "scandir", self.scandir),
            (os, "fdopen", self.fdopen),
            (io, "open", self.open_file),
            (fcntl, "flock", self.flock),
            (tempfile, "_get_candidate_names", self.temporary_names),
        ]

    # --- whose call it is ---

    def _is_here(self, path: Any) -> bool:
        """Whether a task of the simulation means a file of this disk."""
        if self._world.current is None or isinstance(path, int):
            return False
        return os.fspath(path).startswith(self.root)  # type: ignore[no-any-return]

    def _held(self, descriptor: Any) -> OpenFile | None:
        """The file that a task of the simulation has open by this number."""
        if self._world.current is None or not isinstance(descriptor, int):
            return None
        held = self._open.get(descriptor)
        if held is not None:
            self._world.check_alive()
        return held

    def _whole(self, path: Any, folder: int | None) -> str:
        """The path from the root on; ``folder`` is an open one that it may go on from."""
        text = os.fspath(path)
        if folder is not None and folder in self._open and not os.path.isabs(text):
            return os.path.join(self._open[folder].path, text)
        return text  # type: ignore[no-any-return]

    def _concerns(self, path: Any, folder: int | None = None) -> bool:
        return self._is_here(self._whole(path, folder))

    def _changing(self, what: str, path: str) -> Process:
        """A process is about to change something: it may die, wait or be refused instead."""
        process = self._world.check_alive()
        self._faults.before_change(what, path)
        return process

    # --- open files ---

    def open(self, path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if not self._concerns(path, dir_fd):
            return REAL_OPEN(path, flags, mode, dir_fd=dir_fd)
        whole = self._whole(path, dir_fd)
        process = self._world.check_alive()
        is_new = bool(flags & os.O_CREAT) and not os.path.lexists(whole)
        if is_new:
            self._changing("create", whole)
        else:
            self._faults.before_reading(whole)
        descriptor = REAL_OPEN(whole, flags, mode)
        self._open[descriptor] = OpenFile(whole, process)
        if is_new:
            self._unsynced[whole] = Unsynced(process.host, 0)
            self._note(whole, lambda: _remove(whole))
        return descriptor

    def close(self, descriptor: int) -> None:
        if self._world.current is not None and descriptor in self._open:
            if self._world.current.process.is_alive:
                del self._open[descriptor]
                REAL_CLOSE(descriptor)
            return
        if self._world.current is not None and not self._world.current.process.is_alive:
            return  # it was closed when the process died, and may be another's by now
        REAL_CLOSE(descriptor)

    def close_all_of(self, process: Process) -> None:
        """Close what a process that has died had open, as the system does."""
        for descriptor, held in list(self._open.items()):
            if held.process is process:
                del self._open[descriptor]
                REAL_CLOSE(descriptor)

    def fdopen(self, descriptor: int, *args: Any, **options: Any) -> Any:
        held = self._held(descriptor)
        if held is None:
            return REAL_FDOPEN(descriptor, *args, **options)
        return WrittenFile(self, descriptor)

    def write(self, descriptor: int, data: Any) -> int:
        held = self._held(descriptor)
        if held is None:
            return REAL_WRITE(descriptor, data)
        process = self._changing("write", held.path)
        self._dirty(held.path, process)
        part = self._faults.part_that_is_written(held.path, len(data))
        written = REAL_WRITE(descriptor, data[:part])
        self._faults.after_part(held.path, written, len(data))
        return written

    def fsync(self, descriptor: int) -> None:
        held = self._held(descriptor)
        if held is None:
            REAL_FSYNC(descriptor)
            return
        self._changing("sync", held.path)
        if _is_folder(held.path):
            self._changes.pop(held.path, None)
        else:
            self._unsynced.pop(held.path, None)
        self._faults.after_change()

    def ftruncate(self, descriptor: int, length: int) -> None:
        held = self._held(descriptor)
        if held is None:
            REAL_TRUNCATE(descriptor, length)
            return
        process = self._changing("truncate", held.path)
        self._dirty(held.path, process)
        unsynced = self._unsynced[held.path]
        if isinstance(unsynced.durable, int) and unsynced.durable > length:
            unsynced.durable = _content(held.path)[: unsynced.durable]
        REAL_TRUNCATE(descriptor, length)

    def _dirty(self, path: str, process: Process) -> None:
        if path not in self._unsynced:
            self._unsynced[path] = Unsynced(process.host, REAL_STAT(path).st_size)

    def open_file(self, file: Any, *args: Any, **options: Any) -> Any:
        if self._is_here(file):
            self._world.check_alive()
            self._faults.before_reading(os.fspath(file))
        return REAL_FILE(file, *args, **options)

    def flock(self, descriptor: Any, operation: int) -> None:
        held = self._held(descriptor)
        if held is None or operation & fcntl.LOCK_NB:
            REAL_FLOCK(descriptor, operation)
            return
        while True:
            try:
                REAL_FLOCK(descriptor, operation | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                self._world.sleep(LOCK_POLL_S)

    # --- names ---

    def replace(self, source: Any, target: Any, **options: Any) -> None:
        if not self._is_here(source):
            REAL_REPLACE(source, target, **options)
            return
        old, new = os.fspath(source), os.fspath(target)
        self._changing("rename", new)
        before = _content(new) if os.path.lexists(new) else None
        REAL_REPLACE(old, new)
        unsynced = self._unsynced.pop(old, None)
        self._unsynced.pop(new, None)
        if unsynced is not None:
            self._unsynced[new] = unsynced
        self._note(new, lambda: _put_back(new, before))
        self._faults.after_change()

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        if not self._concerns(path, dir_fd):
            REAL_UNLINK(path, dir_fd=dir_fd)
            return
        whole = self._whole(path, dir_fd)
        if not os.path.lexists(whole):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), whole)
        self._changing("unlink", whole)
        is_link = os.path.islink(whole)
        before = None if is_link else _content(whole)
        REAL_UNLINK(whole)
        self._unsynced.pop(whole, None)
        self._note(whole, lambda: _put_back(whole, before))
        self._faults.after_change()

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        if not self._concerns(path, dir_fd):
            REAL_MKDIR(path, mode, dir_fd=dir_fd)
            return
        whole = self._whole(path, dir_fd)
        if not _is_folder(whole):
            self._changing("mkdir", whole)
        REAL_MKDIR(whole, mode)
        self._note(whole, lambda: shutil.rmtree(whole, ignore_errors=True))

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        if not self._concerns(path, dir_fd):
            REAL_RMDIR(path, dir_fd=dir_fd)
            return
        whole = self._whole(path, dir_fd)
        self._changing("rmdir", whole)
        REAL_RMDIR(whole)
        self._changes.pop(whole, None)
        self._note(whole, lambda: os.makedirs(whole, exist_ok=True))

    def _note(self, path: str, undo: Callable[[], None]) -> None:
        """Keep how a change of names is undone, until its folder is synced."""
        change = Change(self._world.process.host, undo)
        self._changes[os.path.dirname(path)].append(change)

    # --- looking ---

    def stat(self, path: Any, **options: Any) -> os.stat_result:
        if self._faults.is_away and self._is_here(path):
            self._faults.before_reading(os.fspath(path))
        return REAL_STAT(path, **options)

    def scandir(self, path: Any = ".") -> Any:
        if self._faults.is_away and self._is_here(path):
            self._faults.before_reading(os.fspath(path))
        return REAL_SCANDIR(path)

    def temporary_names(self) -> Iterator[str]:
        while True:
            self._names += 1
            yield f"t{self._names:07d}"

    # --- the power goes ---

    def lose_power(self, host: Host) -> None:
        """Take from the disk what the host had changed and not synced, all or a part of it."""
        current, self._world.current = self._world.current, None  # nobody's calls are these
        try:
            self._lose_names(host)
            for path in sorted(self._unsynced):
                if self._unsynced[path].host is host:
                    self._lose_bytes(path, self._unsynced.pop(path))
        finally:
            self._world.current = current

    def _lose_names(self, host: Host) -> None:
        chance = self._world.chance
        for folder in sorted(self._changes, key=lambda name: (name.count("/"), name)):
            changes = [change for change in self._changes[folder] if change.host is host]
            kept = chance.randint(0, len(changes))
            for change in reversed(changes[kept:]):
                self._world.count("a name that was not synced is lost")
                change.undo()
            self._changes[folder] = [
                change for change in self._changes[folder] if change.host is not host
            ]

    def _lose_bytes(self, path: str, unsynced: Unsynced) -> None:
        if not os.path.isfile(path):
            return  # its name is lost, too
        now = _content(path)
        durable = unsynced.durable
        if isinstance(durable, int):
            durable = now[:durable]
        new = now[len(durable) :]
        if not new or not now.startswith(durable):
            left = durable if self._world.chance.random() < 0.5 else now
        else:
            left = durable + self._left_of(new, at=len(durable))
        if left != now:
            self._world.count("bytes that were not synced are lost")
            with REAL_FILE(path, "wb") as file:
                file.write(left)

    def _left_of(self, new: bytes, *, at: int) -> bytes:
        """What is left of bytes that were written at a place of the file and not synced."""
        chance = self._world.chance
        cut = chance.randint(0, len(new))
        match chance.randrange(4):
            case 0:
                return b""
            case 1:
                return new[:cut]
            case 2:  # the size is durable, and the bytes are not
                return new[:cut] + bytes(len(new) - cut)
            case _:  # a later sector is durable, and the ones before are not
                lost = min(len(new), -at % SECTOR_BYTES + cut // SECTOR_BYTES * SECTOR_BYTES)
                return bytes(lost) + new[lost:]


class WrittenFile:
    """A file object on a descriptor of the disk, that writes through it."""

    def __init__(self, disk: LocalDisk, descriptor: int) -> None:
        self._disk = disk
        self._descriptor = descriptor

    def __enter__(self) -> WrittenFile:
        return self

    def __exit__(self, *error: object) -> None:
        self._disk.close(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def write(self, data: bytes) -> int:
        unwritten = memoryview(data)
        while unwritten:
            unwritten = unwritten[self._disk.write(self._descriptor, unwritten) :]
        return len(data)

    def flush(self) -> None:
        pass


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(REAL_STAT(path).st_mode)
    except FileNotFoundError:
        return False


def _content(path: str) -> bytes:
    with REAL_FILE(path, "rb") as file:
        return file.read()  # type: ignore[no-any-return]


def _remove(path: str) -> None:
    if os.path.lexists(path):
        REAL_UNLINK(path)


def _put_back(path: str, before: bytes | None) -> None:
    """Give a name the content that it had, or none."""
    if before is None:
        _remove(path)
    elif os.path.isdir(os.path.dirname(path)):
        with REAL_FILE(path, "wb") as file:
            file.write(before)
