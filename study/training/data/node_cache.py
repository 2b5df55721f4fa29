"""A cache that all processes of one node share: images are read, or fetched, once a node.

It lies below the system's temporary folder, is readable by its owner alone, and can be removed at
any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch

from study.files.atomic import make_folder
from study.files.storage import StoragePath

_LOOK_S = 0.05
"""How often it is looked whether another process is done."""
EXPIRY_S = 14 * 24 * 3600.0
"""A file that nobody has opened for so long is removed."""
_KINDS = ("*.pt", "*.bytes", "*.run")


def cache_folder() -> Path:
    """Return the user's own cache folder on this node, made where it is missing.

    Raises OSError where somebody else made a folder of that name, or others can read it.
    """
    folder = Path(tempfile.gettempdir()) / f"study-data-{os.getuid()}"
    make_folder(folder)
    status = folder.stat(follow_symlinks=False)
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(1, "is not this user's alone", str(folder))
    return folder


def load_shared(
    name: str,
    sources: list[Path],
    read: Callable[[], dict[str, Any]],
    is_intact: Callable[[dict[str, Any]], bool] = lambda content: True,
) -> dict[str, Any]:
    """Return what ``read`` returns, mapped from one file that all processes of the node share.

    ``read`` returns tensors and plain values; it is called again once one of ``sources``, the files
    it reads, has changed, and where the shared file is damaged, which torch or ``is_intact`` tells.
    Where nothing can be cached, on a full disk say, its value is returned as it is.
    """
    try:
        folder = cache_folder()
        file = folder / f"{name}-{_version_of(sources)}.pt"
        content = _load(file, is_intact)
        if content is None:
            with _locked(folder):
                content = _load(file, is_intact)  # another process may have made it meanwhile
                if content is None:
                    _remove_expired(folder)
                    _save_whole(file, read())
                    content = _load(file, is_intact)
    except OSError:
        content = None
    return read() if content is None else content


def keep_current(
    name: str,
    is_current: Callable[[dict[str, Any]], bool],
    renew: Callable[[dict[str, Any] | None], dict[str, Any]],
    wait: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Return what the node keeps under ``name``, mapped from one file that its processes share.

    Where that isn't current, ``renew`` is called with it, or with None, and what it returns is kept
    in its place. ``wait`` is called now and then while another process does so. Where nothing can
    be kept, what ``renew`` returns is returned as it is.
    """
    try:
        folder = cache_folder()
    except OSError:
        return renew(None)
    file = folder / f"{name}.pt"
    content = _load(file, is_current)
    if content is not None:
        return content
    with _locked(folder, f".lock-{name}", wait):
        content = _load(file, is_current)
        if content is None:
            _remove_expired(folder)
            renewed = renew(_load(file, lambda old: True))
            try:
                _save_whole(file, renewed)
            except OSError:
                return renewed
            content = _load(file, lambda kept: True)
    return renewed if content is None else content


def was_checked(name: str, run: str) -> bool:
    """Tell whether a study's run has found current on this node what is kept under ``name``."""
    try:
        return bool(run) and (cache_folder() / f"{name}.run").read_text() == run
    except (OSError, ValueError):
        return False


def mark_checked(name: str, run: str) -> None:
    """Remember for all processes of this node that a run has found current what is kept there."""
    if run and not was_checked(name, run):
        with suppress(OSError):
            (cache_folder() / f"{name}.run").write_text(run)


def _load(file: Path, is_intact: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
    """Map a file of the cache; None where it isn't there or is damaged."""
    try:
        content = torch.load(file, mmap=True, weights_only=True, map_location="cpu")
        return content if is_intact(content) else None
    except FileNotFoundError:
        return None
    except MemoryError:
        raise
    except Exception:  # torch has many ways to refuse what a crash has left
        return None


@contextmanager
def _locked(
    folder: Path, name: str = ".lock", wait: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Let one process of the node at a time fill the cache; the others wait for it."""
    with (folder / name).open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                wait()
                time.sleep(_LOOK_S)
        yield


def _remove_expired(folder: Path) -> None:
    for file in [file for kind in _KINDS for file in folder.glob(kind)]:
        unused_s = time.time() - file.stat().st_atime
        if unused_s > EXPIRY_S:
            file.unlink(missing_ok=True)
    for fetched in folder.glob("from-*"):
        unused_s = time.time() - fetched.stat().st_mtime  # each use sets it
        if unused_s > EXPIRY_S:
            shutil.rmtree(fetched, ignore_errors=True)


def _version_of(sources: list[Path]) -> str:
    """Hash the files' paths, sizes and modification times."""
    digest = hashlib.sha256()
    for path in sorted(sources):
        status = path.stat()
        digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:24]


def _save_whole(file: Path, content: dict[str, Any]) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=".", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            torch.save(content, stream)
            stream.flush()
            os.fsync(stream.fileno())  # else a crash may leave the name without the content
        os.replace(temporary, file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def fetch_folders(source: StoragePath, names: tuple[str, ...]) -> Path:
    """Copy the folders ``names`` of an object store to this node, as far as they are there: once,
    and again once one of their objects has changed.

    Returns the folder on this node that then holds them.
    """
    cache = cache_folder()
    versions = {name: (source / name).version_below() for name in names}
    there = [f"{name} {version}" for name, version in versions.items() if version]
    version = hashlib.sha256("\n".join([str(source), *there]).encode()).hexdigest()[:24]
    local = cache / f"from-{version}"
    with _locked(cache):
        if not local.exists():
            _remove_expired(cache)
        for folder in names:
            if not (local / folder).exists():
                copy_folder(source / folder, local / folder)
        if local.exists():
            os.utime(local)
    return local


def copy_folder(source: StoragePath, target: Path) -> None:
    """Copy a folder from an object store, whole or not at all."""
    partial = Path(tempfile.mkdtemp(prefix=".fetch-", dir=target.parent.parent))
    try:
        copied = 0
        for names in source.files_below():
            remote = source
            for name in names:
                remote = remote / name
            local = partial.joinpath(*names)
            local.parent.mkdir(parents=True, exist_ok=True)
            local.write_bytes(remote.read_bytes())
            copied += 1
        if copied:
            make_folder(target.parent)
            os.replace(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
