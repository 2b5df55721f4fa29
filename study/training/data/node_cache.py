"""What the processes of one node share: images are read, or fetched, once a node and mapped into
each process.

The cache lies below the system's temporary folder, readable by its owner alone, and can be removed
at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from study.files.atomic import files_below, make_folder
from study.files.object_store import ObjectPath

KEPT_S = 14 * 24 * 3600.0
Read = Callable[[], dict[str, Any]]


def cache_folder() -> Path:
    """The user's own folder on this node; OSError where somebody else made one of that name."""
    folder = Path(tempfile.gettempdir()) / f"study-data-{os.getuid()}"
    make_folder(folder)
    status = folder.stat(follow_symlinks=False)
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(1, "is not this user's alone", str(folder))
    return folder


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """What several processes of a node want to make, one makes; the others wait for it."""
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def mapped(name: str, sources: list[Path], read: Read) -> dict[str, Any]:
    """What ``read`` gives, tensors and plain values, out of one file that all processes of the node
    map.

    ``sources`` are the files that it is read from: where one has changed it is read anew. Where
    nothing can be kept, on a full disk say, ``read`` answers alone.
    """
    try:
        folder = cache_folder()
        file = folder / f"{name}-{_state_of(sources)}.pt"
        with _one_at_a_time(folder):
            if not file.exists():
                _sweep(folder)
                _keep(file, read())
    except OSError:
        return read()
    found: dict[str, Any] = torch.load(file, mmap=True, weights_only=True, map_location="cpu")
    return found


def _sweep(folder: Path) -> None:
    """Remove what nobody has mapped for KEPT_S seconds."""
    for file in folder.glob("*.pt"):
        if time.time() - file.stat().st_atime > KEPT_S:
            file.unlink(missing_ok=True)


def _state_of(sources: list[Path]) -> str:
    """Changes with the files' places, sizes and times."""
    digest = hashlib.sha256()
    for path in sorted(sources):
        status = path.stat()
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:24]


def _keep(file: Path, content: dict[str, Any]) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            torch.save(content, stream)
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def fetched(source: ObjectPath, parts: tuple[str, ...]) -> Path:
    """A folder on this node with those of the folders ``parts`` that ``source`` has, fetched
    once.
    """
    folder = cache_folder()
    copy = folder / f"from-{hashlib.sha256(str(source).encode()).hexdigest()[:24]}"
    with _one_at_a_time(folder):
        for part in parts:
            if not (copy / part).exists():
                fetch(source / part, copy / part)
    return copy


def fetch(source: ObjectPath, to: Path) -> None:
    """Copy a folder, whole or not at all."""
    partial = Path(tempfile.mkdtemp(prefix=".fetch-", dir=to.parent.parent))
    try:
        found = False
        for names in files_below(source):
            target, origin = partial.joinpath(*names), source
            for name in names:
                origin = origin / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(origin.read_bytes())
            found = True
        if found:
            make_folder(to.parent)
            os.replace(partial, to)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
