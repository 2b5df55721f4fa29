"""A disk that forgets what was not synced when its machine loses power.

Files lie for real in a folder in memory (``/dev/shm``), so that everything above the system's calls
is the project's and Python's own. The calls that change something go through this file: it has
the process die in between, notes what is not durable yet (``not_durable.py``), and refuses as a disk does
that is full, broken or away.
"""

from __future__ import annotations

import errno
import fcntl
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from .faults import Faults
from .not_durable import NotDurable, content
from .open_files import Listing, WrittenFile
from .world import Process, World

REAL_OPEN, REAL_CLOSE, REAL_WRITE, REAL_PWRITE = os.open, os.close, os.write, os.pwrite
REAL_FSYNC, REAL_TRUNCATE = os.fsync, os.ftruncate
REAL_REPLACE, REAL_RENAME, REAL_UNLINK = os.replace, os.rename, os.unlink
REAL_MKDIR, REAL_RMDIR = os.mkdir, os.rmdir
REAL_STAT, REAL_SCANDIR = os.stat, os.scandir
REAL_NAMES = tempfile._get_candidate_names  # type: ignore[attr-defined]
REAL_FILE, REAL_FDOPEN, REAL_FLOCK = io.open, os.fdopen, fcntl.flock

LOCK_POLL_S = 0.05


@dataclass
class OpenFile:
    path: str
    process: Process


class LocalDisk:
    """What lies below ``root``."""

    def __init__(self, world: World, faults: Faults, root: str) -> None:
        self.root = root
        self._world = world
        self._faults = faults
        self._open: dict[int, OpenFile] = {}
        self._not_durable = NotDurable(world)
        self.lose_power = self._not_durable.lose_power
        self._names = 0

    def replacements(self) -> list[tuple[object, str, object]]:
        """What stands in the place of Python's own: owner, attribute, stand-in."""
        return [
            (os, "open", self.open),
            (os, "close", self.close),
            (os, "write", self.write),
            (os, "pwrite", self.pwrite),
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
            self._not_durable.note_new_file(whole, process.host)
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
        return WrittenFile(descriptor, self.write, self.close)

    def write(self, descriptor: int, data: Any) -> int:
        held = self._held(descriptor)
        if held is None:
            return REAL_WRITE(descriptor, data)
        return self._write_part(held, data, lambda part: REAL_WRITE(descriptor, part))

    def pwrite(self, descriptor: int, data: Any, offset: int) -> int:
        held = self._held(descriptor)
        if held is None:
            return REAL_PWRITE(descriptor, data, offset)
        return self._write_part(held, data, lambda part: REAL_PWRITE(descriptor, part, offset))

    def _write_part(self, held: OpenFile, data: Any, write: Callable[[Any], int]) -> int:
        """Write data, or a part of it only, as the system may."""
        process = self._changing("write", held.path)
        self._not_durable.note_bytes(held.path, process.host)
        part = self._faults.part_that_is_written(bytes(data))
        written = write(data[:part])
        self._faults.after_part()
        return written

    def fsync(self, descriptor: int) -> None:
        held = self._held(descriptor)
        if held is None:
            REAL_FSYNC(descriptor)
            return
        self._changing("sync", held.path)
        self._not_durable.forget(held.path)
        self._faults.after_change()

    def ftruncate(self, descriptor: int, length: int) -> None:
        held = self._held(descriptor)
        if held is None:
            REAL_TRUNCATE(descriptor, length)
            return
        process = self._changing("truncate", held.path)
        self._not_durable.note_bytes(held.path, process.host)
        self._not_durable.keep_before_cut(held.path, length)
        REAL_TRUNCATE(descriptor, length)

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
        process = self._changing("rename", new)
        before = content(new) if os.path.lexists(new) else None
        REAL_REPLACE(old, new)
        self._not_durable.note_rename(old, new, before, process.host)
        self._faults.after_change()

    def unlink(self, path: Any, *, dir_fd: int | None = None) -> None:
        if not self._concerns(path, dir_fd):
            REAL_UNLINK(path, dir_fd=dir_fd)
            return
        whole = self._whole(path, dir_fd)
        if not os.path.lexists(whole):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), whole)
        process = self._changing("unlink", whole)
        is_link = os.path.islink(whole)
        before = None if is_link else content(whole)
        REAL_UNLINK(whole)
        self._not_durable.note_removal(whole, before, process.host)
        self._faults.after_change()

    def mkdir(self, path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        if not self._concerns(path, dir_fd):
            REAL_MKDIR(path, mode, dir_fd=dir_fd)
            return
        whole = self._whole(path, dir_fd)
        if not _is_folder(whole):
            self._changing("mkdir", whole)
        REAL_MKDIR(whole, mode)
        undo = partial(shutil.rmtree, whole, ignore_errors=True)
        self._not_durable.note_name(whole, self._world.process.host, undo)

    def rmdir(self, path: Any, *, dir_fd: int | None = None) -> None:
        if not self._concerns(path, dir_fd):
            REAL_RMDIR(path, dir_fd=dir_fd)
            return
        whole = self._whole(path, dir_fd)
        process = self._changing("rmdir", whole)
        REAL_RMDIR(whole)
        self._not_durable.forget(whole)
        undo = partial(os.makedirs, whole, exist_ok=True)
        self._not_durable.note_name(whole, process.host, undo)

    # --- looking ---

    def stat(self, path: Any, **options: Any) -> os.stat_result:
        if self._faults.is_away and self._is_here(path):
            self._faults.before_reading(os.fspath(path))
        return REAL_STAT(path, **options)

    def scandir(self, path: Any = ".") -> Any:
        held = self._held(path)
        if held is None and not self._is_here(path):
            return REAL_SCANDIR(path)
        if self._faults.is_away:
            self._faults.before_reading(held.path if held else os.fspath(path))
        with REAL_SCANDIR(path) as entries:
            return Listing(entries)

    def temporary_names(self) -> Iterator[str]:
        """Names by which a story is repeated; other threads have those that they had."""
        if self._world.current is None:
            yield from REAL_NAMES()
        while True:
            self._names += 1
            yield f"t{self._names:07d}"


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(REAL_STAT(path).st_mode)
    except FileNotFoundError:
        return False
