"""Temporary folders of drivers and workers, which a later driver removes where theirs was killed.

A folder is known to be in use by a lock that its process holds in it, which ends with the process:
from another container, where processes have other numbers, that is seen, too.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from study.errors import OutsideFault

_PREFIXES = ("study-ray-", "study-tune-", "study-trial-")
_LOCK = "lock"
_UNLOCKED_S = 24 * 3600.0
"""A folder without a lock is being made, or an earlier version's: it is left alone so long."""


class TemporaryFolder:
    """A new folder, its owner's alone, that is gone after the ``with`` block or ``remove``.

    ``longest`` bounds the length of its path in bytes: where the usual folder for temporary files
    lies too deep, it is made in ``/tmp``. Raises OutsideFault where no place is left.
    """

    def __init__(self, prefix: str, longest: int | None = None) -> None:
        assert prefix in _PREFIXES
        self.path = _make(prefix, longest)
        draft = self.path / f".{_LOCK}"
        self._descriptor = os.open(draft, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        draft.rename(self.path / _LOCK)  # it is never seen without being held

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder and all that it holds; what can't be removed stays."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _make(prefix: str, longest: int | None) -> Path:
    usual = tempfile.gettempdir()
    reason = ""
    for parent in dict.fromkeys((usual, "/tmp", "/var/tmp")):
        name_length = len("/") + len(prefix) + len("12345678")
        if longest is not None and len(os.fsencode(parent)) + name_length > longest:
            reason = reason or f"the path of TMPDIR is too long ({usual})"
            continue
        try:
            return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        except OSError as error:
            reason = reason or f"{parent}: {error.strerror}"
    raise OutsideFault(
        f"no folder for temporary files can be made: {reason}; set TMPDIR to a folder with a short"
        " path, and run or resume the study"
    )


def remove_abandoned_folders() -> None:
    """Remove the temporary folders of drivers that were killed."""
    for folder in _folders_in(dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp"))):
        try:
            _remove_if_abandoned(folder)
        except OSError:
            continue  # another user's, or gone meanwhile


def count_own_rays() -> int:
    """Count the Rays that drivers of this user have started on this machine and that still run."""
    parents = dict.fromkeys((tempfile.gettempdir(), "/tmp", "/var/tmp"))
    return sum(_is_held(folder) for folder in _folders_in(parents, ("study-ray-",)))


def _is_held(folder: Path) -> bool:
    """Whether a living process holds a folder; False for what can't be told."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)


def _folders_in(parents: Iterable[str], prefixes: Iterable[str] = _PREFIXES) -> Iterator[Path]:
    for parent in parents:
        for prefix in prefixes:
            yield from Path(parent).glob(f"{prefix}*")


def _remove_if_abandoned(folder: Path) -> None:
    state = folder.lstat()
    if state.st_uid != os.getuid():
        return
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        if time.time() - state.st_mtime > _UNLOCKED_S and not _is_process_of(folder):
            shutil.rmtree(folder, ignore_errors=True)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _is_process_of(folder: Path) -> bool:
    """Whether a process lives whose number stands in the name, as in earlier versions' names."""
    words = [word for word in folder.name.split("-") if word.isdecimal()]
    return any(Path(f"/proc/{word}").exists() for word in words)
