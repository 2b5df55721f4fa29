"""The right to drive a study. On a file system a lock that dies with its process: a second driver
is refused at once.

On an object store, which has no locks, the driver says that it is there, and a newer one takes the
study over: the older one's next record is refused by the store, and it stops. So nobody waits for a
lease of a dead one to run out.
"""

from __future__ import annotations

import fcntl
import os
import socket
import threading
import time
from pathlib import Path
from typing import Protocol

from study.errors import StudyLocked
from study.files.atomic import make_folder
from study.files.layout import FILE_MODE
from study.files.object_store import ObjectPath, Place

_REFRESH_S = 15.0
_STALE_S = 50.0
"""A claim that was not refreshed for so long is a dead driver's."""


class Right(Protocol):
    """Held while a study is driven."""

    taken_from: str
    """The driver that the study was taken over from, which may not know it yet; empty where there
    was none.
    """

    def release(self) -> None: ...


def me() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


class _Lock:
    """An advisory lock on a local file; StudyLocked where another process has it."""

    taken_from = ""

    def __init__(self, path: Path) -> None:
        self.path = path
        make_folder(path.parent)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, FILE_MODE)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = (
                os.read(self._descriptor, 300).decode(errors="replace").strip() or "another driver"
            )
            os.close(self._descriptor)
            raise StudyLocked(path.parent.parent.name, holder) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, me().encode(), 0)

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Claim:
    """An object that its driver writes anew every REFRESH_S seconds, and removes in the end."""

    def __init__(self, path: ObjectPath) -> None:
        self.path = path
        self.taken_from = _claimant(path)
        self._released = threading.Event()
        path.write_bytes(me().encode())
        self._thread = threading.Thread(target=self._refresh, name="claim", daemon=True)
        self._thread.start()

    def _refresh(self) -> None:
        while not self._released.wait(_REFRESH_S):
            try:
                if self.path.read_bytes() == me().encode():
                    self.path.write_bytes(me().encode())
            except OSError:
                pass  # a store that is away for a while takes no claim from anyone

    def release(self) -> None:
        self._released.set()
        self._thread.join()
        try:
            if self.path.read_bytes() == me().encode():
                self.path.unlink(missing_ok=True)
        except OSError:
            pass


def take(path: Place) -> Right:
    """The right to drive the study whose lock lies at ``path``."""
    return Claim(path) if isinstance(path, ObjectPath) else _Lock(path)


def holder(path: Place) -> str:
    """Who drives the study now: ``process 12 on host``; empty where nobody does."""
    if isinstance(path, ObjectPath):
        return _claimant(path)
    if not path.exists():
        return ""
    try:
        _Lock(path).release()
    except StudyLocked as held:
        return held.holder
    return ""


def _claimant(path: ObjectPath) -> str:
    """Whose claim was refreshed lately."""
    head = path.head()
    if head is None or time.time() - head["last_modified"].timestamp() > _STALE_S:
        return ""
    return path.read_text(errors="replace")
