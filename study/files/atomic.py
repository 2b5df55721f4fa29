"""Writes on this machine that are whole or absent, in folders that only their owner can read."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice, takewhile
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_LEVELS = 3
"""Of a folder that is there, and so many less one above it, the names are made durable."""
_MOST_KNOWN = 1000
_durable: set[tuple[int, Path]] = set()
"""Folders whose names this process, by its number, knows to be durable."""


def make_folder(folder: Path, levels: int | None = None) -> None:
    """Create the folder and those missing above it, durable and readable by the owner alone.

    One that is there may have been made by a process that died, or met an error, before its name
    was durable: a process sees to that once. FileNotFoundError where more than ``levels`` folders
    are missing.
    """
    missing = list(takewhile(lambda path: not path.exists(), _upwards(folder)))
    if levels is not None and len(missing) > levels:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(missing[levels]))
    for path in reversed(missing):
        _durable.discard((os.getpid(), path))
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
        _make_name_durable(path)
    known = islice(_upwards(folder), _LEVELS)
    for path in reversed(list(known)):
        with suppress(PermissionError):  # the folder above one of ours may not be
            _make_name_durable(path)


def _upwards(folder: Path) -> Iterator[Path]:
    """The folder, the one above it, and so on."""
    yield folder
    yield from folder.parents


def _make_name_durable(folder: Path) -> None:
    """Sync the folder above, unless this process has done so before."""
    key = (os.getpid(), folder)
    if key in _durable:
        return
    sync_folder(folder.parent)
    if len(_durable) >= _MOST_KNOWN:
        _durable.clear()
    _durable.add(key)


def write_whole(path: Path, content: bytes | str) -> None:
    """Replace the content of ``path``, durable on return; a crash leaves the old or the new one."""
    data = content.encode() if isinstance(content, str) else content
    prefix = temporary_prefix(path.name)
    descriptor, temporary = tempfile.mkstemp(prefix=f"{prefix}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), FILE_MODE)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def temporary_prefix(name: str) -> str:
    """How the temporary files begin through which files named ``name…`` are written."""
    return f".{name}"


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def lies_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one that lies at ``path``."""
    try:
        at_path = os.lstat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(os.fstat(descriptor), at_path)
