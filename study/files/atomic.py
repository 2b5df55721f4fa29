"""Writes that are whole or absent, and folders that only their owner can read."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from study.files.layout import FILE_MODE, FOLDER_MODE
from study.files.object_store import ObjectPath, Place


def make_folder(folder: Place) -> None:
    """Create the folder and what is missing above it, durable, readable by its owner alone."""
    if isinstance(folder, ObjectPath):
        return  # an object store has none
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
        sync_folder(path.parent)


def write_whole(path: Place, content: bytes | str) -> None:
    """Replace ``path`` by ``content``, durable on return; a crash leaves either the old file or the
    new one.
    """
    data = content.encode() if isinstance(content, str) else content
    if isinstance(path, ObjectPath):
        path.write_bytes(data)
        return
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
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


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def matching(folder: Place, pattern: str) -> list[Place]:
    """What lies in a folder under names that match, by name; nothing where there is no folder."""
    return sorted(folder.glob(pattern), key=lambda path: path.name)


def files_below(folder: Place) -> Iterator[tuple[str, ...]]:
    """Every file below a folder, as the parts of its path from there; nothing where there is no
    folder.
    """
    if isinstance(folder, ObjectPath):
        depth = len(folder.key.split("/"))
        yield from (tuple(each["path"].split("/")[depth:]) for each in folder.below())
        return
    for parent, _, names in os.walk(folder, onerror=_unless_missing):
        parts = Path(parent).relative_to(folder).parts
        yield from ((*parts, name) for name in names)


def _unless_missing(error: OSError) -> None:
    """A folder that can't be read isn't taken for an empty one."""
    if not isinstance(error, FileNotFoundError):
        raise error


def remove_tree(folder: Place) -> None:
    """Remove a file, or a folder and all in it; nothing happens where there is none."""
    if isinstance(folder, ObjectPath):
        folder.unlink(missing_ok=True)
        for each in list(folder.below()):
            ObjectPath(folder.root, each["path"]).unlink(missing_ok=True)
    elif folder.is_dir():
        shutil.rmtree(folder)
    else:
        folder.unlink(missing_ok=True)
