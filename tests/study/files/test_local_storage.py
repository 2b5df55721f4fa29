"""A folder of this machine as a storage."""

from __future__ import annotations

import copy
import fcntl
import os
from pathlib import Path

import pytest

from study.files.local_storage import LocalPath


def test_a_local_path_is_an_ordinary_path_that_stays_what_it_is(tmp_path: Path) -> None:
    path = LocalPath(tmp_path)
    assert path == tmp_path
    assert hash(path) == hash(tmp_path)
    for other in (path / "a", path.parent, path.resolve(), copy.deepcopy(path)):
        assert type(other) is LocalPath
    assert type(path.local_path()) is type(tmp_path)
    assert path.local_path() == tmp_path


def test_what_a_kill_left_of_a_write_is_removed_and_its_neighbors_are_not(tmp_path: Path) -> None:
    for name in (".attempt-1.ckpt.x1y2", "attempt-1.ckpt", ".other.x1y2"):
        (tmp_path / name).write_bytes(b"")
    LocalPath(tmp_path).remove_partial_writes("attempt-")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".other.x1y2", "attempt-1.ckpt"]


def test_nobody_else_is_inside_an_exclusive_block(tmp_path: Path) -> None:
    with LocalPath(tmp_path).exclusive():
        other = os.open(tmp_path / ".lock", os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_a_folder_whose_reading_fails_is_not_an_empty_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(folder: str) -> None:
        raise OSError(5, "Input/output error", folder)

    monkeypatch.setattr(os, "scandir", broken)
    with pytest.raises(OSError, match="Input/output error"):
        list(LocalPath(tmp_path).files_below())
