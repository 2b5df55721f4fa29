"""What a training function keeps: files and folders in the trial's own folder, whole or absent.

A folder of this machine is copied beside its place and then takes it. An object store has no
folders that could be moved: there a list of the files is written last, under ``.NAME.files``, and
taken away first. Nothing here needs torch.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from study.errors import StorageFault
from study.files.atomic import FILE_MODE, FOLDER_MODE, sync_folder
from study.files.storage import StoragePath

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_LISTING = ".files"


def keep_copy(kept: StoragePath | None, path: Path, name: str) -> None:
    """Copy a file or folder to ``name`` in the folder ``kept``, in the place of what was there.

    ValueError where the name could leave the folder, FileNotFoundError where there is nothing at
    the path, StorageFault where the storage fails.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(
            "what is kept must have a name of letters, digits, '.', '_' and '-', not a '.' first,"
            f" 100 at most; found {name!r:.120}"
        )
    if not path.exists():
        raise FileNotFoundError(f"there is nothing to keep at {path}")
    if kept is None:
        return
    _refuse_special(path)
    try:
        kept.make_folder(levels=2)  # a study's folder that was removed stays so
        local = kept.local_path()
        if local is not None:
            _copy_on_disk(path, local, name)
        else:
            _copy_to_store(path, kept, name)
    except OSError as error:
        if Path(error.filename or "/").is_relative_to(path):
            raise  # what is to be kept can't be read
        raise StorageFault(f"can't keep {kept / name}: {error.strerror or error}") from error


def kept_names(kept: StoragePath) -> list[str]:
    """Return the names of what was kept whole in a trial's folder, in order."""
    files = list(kept.files_below())
    names = {parts[0] for parts in files}
    if kept.local_path() is None:
        names = {name for name in names if f".{name}{_LISTING}" in names}
    return sorted(name for name in names if _NAME.fullmatch(name))


def _refuse_special(path: Path) -> None:
    """Raise ValueError where there is anything but files and folders: links lead elsewhere."""
    for each in (path, *(path.rglob("*") if path.is_dir() else ())):
        if each != path and each.is_symlink():
            raise ValueError(f"{each} is a symbolic link: give what it stands for")
        if not each.is_file() and not each.is_dir():
            raise ValueError(f"{each} is neither a file nor a folder")


def _copy_on_disk(path: Path, kept: Path, name: str) -> None:
    for abandoned in kept.glob(f".{name}.????????"):
        shutil.rmtree(abandoned, ignore_errors=True)  # of an attempt that was killed
    draft = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=kept))
    try:
        _copy_durably(path, draft / name)
        target = kept / name
        if target.is_dir() and not target.is_symlink():
            os.rename(target, draft / "before")
        elif path.is_dir():
            target.unlink(missing_ok=True)
        os.rename(draft / name, target)
        sync_folder(kept)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _copy_durably(path: Path, to: Path) -> None:
    if path.is_dir():
        to.mkdir(mode=FOLDER_MODE)
        for entry in sorted(path.iterdir()):
            _copy_durably(entry, to / entry.name)
        sync_folder(to)
        return
    shutil.copyfile(path, to)
    descriptor = os.open(to, os.O_RDONLY)
    try:
        os.fchmod(descriptor, FILE_MODE)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_to_store(path: Path, kept: StoragePath, name: str) -> None:
    listing = kept / f".{name}{_LISTING}"
    listing.unlink(missing_ok=True)
    (kept / name).remove_tree()
    written = []
    for file in sorted(_files(path)):
        target = kept / name
        for part in file.relative_to(path).parts:
            target /= part
        target.write_whole(file.read_bytes())
        written.append(file.relative_to(path).as_posix())
    listing.write_whole(json.dumps(written))


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file())
    else:
        yield path
