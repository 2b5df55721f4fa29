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
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from study.errors import StudyLocked, Superseded
from study.files.atomic import FILE_MODE, lies_at, make_folder
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath

_REFRESH_S = 15.0
_STALE_S = 50.0
"""A claim that was not refreshed for so long is a dead driver's."""

_SURELY_STALE_S = 86_400.0
"""A claim that seems so old is a dead driver's, wrong as the clock here may be."""
_LONGEST_HOLDER = 300  # bytes of a lock file that are read
_LOOKERS_S = 1.0
"""How long a driver bears with those who look whether the study has one."""
_AS_IT_IS = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opens a file itself: no link is followed, and no fifo waited for."""


def this_process() -> str:
    """How a driver is known to others: ``process 12 on host``."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def acquire_lock(path: StoragePath, *, take_over: bool = True) -> DriverLock:
    """Lock the study whose lock lies at ``path``; StudyLocked where another driver has it and it
    can't be taken over, or isn't to be.
    """
    return _FORMS[type(path)].acquire(path, take_over)


def lock_holder(path: StoragePath) -> str:
    """Say who drives the study now, as ``process 12 on host``; empty where nobody does."""
    return _FORMS[type(path)].holder(path)


class DriverLock(Protocol):
    """Held while a study is driven."""

    taken_from: str
    """The driver that the study was taken over from, which may not know it yet; empty where there
    was none.
    """

    def check_held(self) -> None:
        """Raise Superseded where the lock is seen to be no longer this driver's."""

    def release(self) -> None: ...


class FileLock:
    """An advisory lock on a file of this machine; StudyLocked where another process has it."""

    taken_from = ""

    def __init__(self, path: LocalPath) -> None:
        self._path = path
        make_folder(path.parent)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _AS_IT_IS, FILE_MODE)
        try:
            self._acquire()
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, this_process().encode(), 0)
        except BaseException:  # on a full disk, say, the lock is not kept either
            self.release()
            raise

    def _acquire(self) -> None:
        """Lock the file. Those who look at a study hold its lock for a moment, which is waited
        for.
        """
        deadline = time.monotonic() + _LOOKERS_S
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() > deadline:
                    study = self._path.parent.parent.name
                    raise StudyLocked(study, _written_holder(self._descriptor)) from None
            time.sleep(_LOOKERS_S / 50)

    def check_held(self) -> None:
        if not lies_at(self._descriptor, self._path):
            raise Superseded(
                f"{self._path} was removed or replaced while this process drove the study; it stops"
                " here, as another driver may have begun"
            )

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    @classmethod
    def holder_of(cls, path: LocalPath) -> str:
        """Look without a trace: nothing is created or written, so the storage may be read-only."""
        try:
            descriptor = os.open(path, os.O_RDONLY | _AS_IT_IS)
        except FileNotFoundError:
            return ""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _written_holder(descriptor)
        finally:
            os.close(descriptor)
        return ""


def _written_holder(descriptor: int) -> str:
    """Who has written the lock file that is held."""
    written = os.pread(descriptor, _LONGEST_HOLDER, 0).decode(errors="replace").strip()
    return written or "another driver"


class ObjectClaim:
    """An object that its driver writes anew every few seconds, and removes in the end.

    Its first line names the driver. The second one counts how often the study was taken over: of
    two drivers that both take the claim for theirs, the later one writes it back, and the earlier
    one lets it be.
    """

    def __init__(self, path: ObjectPath, take_over: bool = True) -> None:
        self._path = path
        self.taken_from = self.holder_of(path)
        if self.taken_from and not take_over:
            raise StudyLocked(path.parent.parent.name, self.taken_from)
        self._turn = _read_claim(path).turn + 1
        self._released = threading.Event()
        self._write()
        self._thread = threading.Thread(target=self._keep_fresh, name="claim", daemon=True)
        self._thread.start()

    def _write(self) -> None:
        self._path.write_whole(f"{this_process()}\n{self._turn}\n")

    def _keep_fresh(self) -> None:
        while not self._released.wait(_REFRESH_S):
            with suppress(OSError):  # a store that is away for a while takes no claim from anyone
                self.refresh()

    def refresh(self) -> None:
        """Write the claim anew, unless a later driver has claimed the study."""
        if _read_claim(self._path).turn <= self._turn:
            self._write()

    def check_held(self) -> None:
        """Nothing: the store refuses a record once another driver has written one."""

    def release(self) -> None:
        self._released.set()
        self._thread.join()
        with suppress(OSError):
            if _read_claim(self._path) == _Claim(this_process(), self._turn):
                self._path.unlink(missing_ok=True)

    @classmethod
    def holder_of(cls, path: ObjectPath) -> str:
        modified = path.modified()
        if modified is None or not _is_fresh(path, modified):
            return ""
        return _read_claim(path).driver


class _Claim(NamedTuple):
    """What stands in a claim."""

    driver: str
    turn: int


def _read_claim(path: ObjectPath) -> _Claim:
    """Read a claim; one of nobody where there is none."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:  # its driver has just released it
        return _Claim("", 0)
    driver, _, turn = text[:_LONGEST_HOLDER].partition("\n")
    return _Claim(driver, int(turn) if turn.strip().isdecimal() else 0)


def _is_fresh(path: ObjectPath, modified: datetime) -> bool:
    """Whether a claim was written within the last _STALE_S seconds, by the clock of the store where
    the one here may be wrong.
    """
    age_s = time.time() - modified.timestamp()
    if 0 <= age_s <= _STALE_S:
        return True
    if age_s > _SURELY_STALE_S:
        return False
    now = _store_time(path)
    return now is not None and now.timestamp() - modified.timestamp() <= _STALE_S


def _store_time(path: ObjectPath) -> datetime | None:
    """What the clock of the store shows, by an object that is written for it; None where none can
    be written.
    """
    probe = path.parent / f"clock-{uuid.uuid4().hex}"
    try:
        probe.write_whole(b"")
        return probe.modified()
    except OSError:
        return None
    finally:
        with suppress(OSError):
            probe.unlink(missing_ok=True)


class _Form(NamedTuple):
    """How one kind of storage is locked, and how its lock is looked at."""

    acquire: Callable[[Any, bool], DriverLock]
    """With whether another driver's may be taken over, where it can be."""
    holder: Callable[[Any], str]


_FORMS: dict[type[StoragePath], _Form] = {
    LocalPath: _Form(lambda path, take_over: FileLock(path), FileLock.holder_of),
    ObjectPath: _Form(ObjectClaim, ObjectClaim.holder_of),
}
