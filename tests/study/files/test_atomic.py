"""A write on this machine is whole or absent, durable, and readable by its owner alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from study.files import atomic
from study.files.atomic import lies_at, make_folder, write_whole


def test_a_folder_and_those_above_it_are_its_owner_s_alone(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    make_folder(folder)
    make_folder(folder)
    for path in (folder, folder.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700


def test_no_more_folders_are_made_than_may_be(tmp_path: Path) -> None:
    folder = tmp_path / "study" / "trials" / "0"
    with pytest.raises(FileNotFoundError, match="study"):
        make_folder(folder, levels=2)
    assert list(tmp_path.iterdir()) == []
    folder.parent.parent.mkdir()
    make_folder(folder, levels=2)
    assert folder.is_dir()


@pytest.mark.parametrize("is_made_by_another", [False, True])
def test_a_folder_s_name_is_durable_also_where_the_first_try_has_failed(
    is_made_by_another: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "study" / "trials"
    synced: list[Path] = []

    def broken(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    if is_made_by_another:  # which was killed before it could sync anything
        folder.mkdir(parents=True)
    else:
        monkeypatch.setattr(atomic, "sync_folder", broken)
        with pytest.raises(OSError, match="Input/output"):
            make_folder(folder)
    monkeypatch.setattr(atomic, "sync_folder", synced.append)
    for _ in range(2):
        make_folder(folder)
    assert {tmp_path, folder.parent} <= set(synced)
    assert len(set(synced)) == len(synced)


def test_an_open_file_lies_at_its_path_until_it_is_removed_or_replaced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    with path.open() as file:
        assert lies_at(file.fileno(), path)
        path.rename(tmp_path / "other")
        assert not lies_at(file.fileno(), path)
        path.symlink_to(tmp_path / "other")
        assert not lies_at(file.fileno(), path)


def test_a_file_is_its_owner_s_alone_whoever_could_read_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_content_and_name_are_synced_before_a_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def noted_sync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("sync folder" if is_folder else "sync file")
        sync(descriptor)

    def noted_replace(old: str, new: str) -> None:
        steps.append("replace")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(os, "replace", noted_replace)
    write_whole(tmp_path / "file", b"content")
    assert steps == ["sync file", "replace", "sync folder"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_whole(tmp_path / "file", "old")

    def full(old: str, new: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "file", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "old"
