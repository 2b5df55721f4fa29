"""The lock that one driver of a study holds.

On a file system it ends with its process, and a second driver is refused at once.

An object store has no locks. There a driver claims the study, and a newer driver takes it over: the
store refuses the older one's next record, and that driver stops. So nobody waits for the lease of a
dead driver to run out.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from study.errors import StudyLocked
from study.files.atomic import FILE_MODE, make_folder
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath

_REFRESH_S = 15.0
_STALE_S = 50.0
"""A claim that was not refreshed for so long is a dead driver's."""

_LONGEST_HOLDER = 300  # bytes of a lock file that are read


def this_process() -> str:
    """How a driver is known to others: ``process 12 on host``."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def acquire_lock(path: StoragePath) -> DriverLock:
    """Lock the study whose lock lies at ``path``; StudyLocked where another driver has it and it
    can't be taken over.
    """
    return _FORMS[type(path)].acquire(path)


def lock_holder(path: StoragePath) -> str:
    """Say who drives the study now, as ``process 12 on host``; empty where nobody does."""
    return _FORMS[type(path)].holder(path)


class DriverLock(Protocol):
    """Held while a study is driven."""

    taken_from: str
    """The driver that the study was taken over from, which may not know it yet; empty where there
    was none.
    """

    def release(self) -> None: ...


class FileLock:
    """An advisory lock on a file of this machine; StudyLocked where another process has it."""

    taken_from = ""

    def __init__(self, path: LocalPath) -> None:
        make_folder(path.parent)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            written = os.read(self._descriptor, _LONGEST_HOLDER).decode(errors="replace").strip()
            os.close(self._descriptor)
            study = path.parent.parent.name
            raise StudyLocked(study, written or "another driver") from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, this_process().encode(), 0)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @classmethod
    def holder_of(cls, path: LocalPath) -> str:
        if not path.exists():
            return ""
        try:
            cls(path).release()
        except StudyLocked as locked:
            return locked.holder
        return ""


class ObjectClaim:
    """An object that its driver writes anew every few seconds, and removes in the end."""

    def __init__(self, path: ObjectPath) -> None:
        self._path = path
        self.taken_from = self.holder_of(path)
        self._released = threading.Event()
        path.write_whole(this_process())
        self._thread = threading.Thread(target=self._keep_fresh, name="claim", daemon=True)
        self._thread.start()

    def _keep_fresh(self) -> None:
        while not self._released.wait(_REFRESH_S):
            try:
                if self._is_ours():
                    self._path.write_whole(this_process())
            except OSError:
                pass  # a store that is away for a while takes no claim from anyone

    def _is_ours(self) -> bool:
        """Whether no other driver has claimed the study since."""
        return self._path.read_bytes() == this_process().encode()

    def release(self) -> None:
        self._released.set()
        self._thread.join()
        try:
            if self._is_ours():
                self._path.unlink(missing_ok=True)
        except OSError:
            pass

    @classmethod
    def holder_of(cls, path: ObjectPath) -> str:
        modified = path.modified()
        if modified is None or time.time() - modified.timestamp() > _STALE_S:
            return ""
        return path.read_text(errors="replace")


class _Form(NamedTuple):
    """How one kind of storage is locked, and how its lock is looked at."""

    acquire: Callable[[Any], DriverLock]
    holder: Callable[[Any], str]


_FORMS: dict[type[StoragePath], _Form] = {
    LocalPath: _Form(FileLock, FileLock.holder_of),
    ObjectPath: _Form(ObjectClaim, ObjectClaim.holder_of),
}
