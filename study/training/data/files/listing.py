"""Which files lie below a folder, and whether they are still the same."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from typing import NamedTuple

from study.files.storage import ListedFile, StoragePath

_LEFT_BEHIND = (".", "__MACOSX")
"""What file browsers and archives leave behind begins so, files and folders."""
_NOTED = 1000


class Listing(NamedTuple):
    """All files below a folder, by name."""

    files: list[ListedFile]
    folders: Mapping[str, int]
    """When each folder of this machine last got or lost an entry, in ns; empty on a store."""

    def version(self) -> str:
        """Hash the names, sizes and times of change of all files."""
        digest = hashlib.sha256()
        for file in self.files:
            digest.update(os.fsencode(f"{file.name}\0{file.size_bytes} {file.changed_ns}\n"))
        return digest.hexdigest()


def list_files(place: StoragePath, note: Callable[[int], None] = lambda found: None) -> Listing:
    """List all files below ``place``. ``note`` is told now and then how many there are so far."""
    files = []
    for file in place.listed_below():
        if any(part.startswith(_LEFT_BEHIND) for part in file.name.split("/")):
            continue
        files.append(file)
        if len(files) % _NOTED == 0:
            note(len(files))
    files.sort()
    return Listing(files, _folder_times(place, files))


def are_unchanged(place: StoragePath, folders: Mapping[str, int]) -> bool:
    """Tell whether none of these folders of this machine has got or lost an entry since."""
    local = place.local_path()
    try:
        return local is not None and all(
            os.stat(local / name).st_mtime_ns == changed_ns for name, changed_ns in folders.items()
        )
    except OSError:
        return False


def _folder_times(place: StoragePath, files: list[ListedFile]) -> dict[str, int]:
    local = place.local_path()
    if local is None or not local.is_dir():
        return {}
    names = {""}
    for file in files:
        folder = file.name.rpartition("/")[0]
        while folder not in names:
            names.add(folder)
            folder = folder.rpartition("/")[0]
    return {name: os.stat(local / name).st_mtime_ns for name in sorted(names)}
