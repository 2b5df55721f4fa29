"""What is kept is there whole or not at all, and stays in its folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from study.errors import StorageFault
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.training.own import kept as kept_module
from study.training.own.kept import keep_copy, kept_names


@pytest.fixture
def kept(tmp_path: Path) -> LocalPath:
    return LocalPath(tmp_path / "trial" / "kept")


def test_files_and_folders_are_copied_and_replaced(kept: LocalPath, tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.txt").write_text("one")
    keep_copy(kept, folder, "adapter")
    assert (kept / "adapter" / "deep" / "a.txt").read_text() == "one"
    (folder / "deep" / "a.txt").rename(folder / "b.txt")
    keep_copy(kept, folder, "adapter")
    assert [path.name for path in (kept / "adapter").rglob("*.txt")] == ["b.txt"]
    keep_copy(kept, folder / "b.txt", "adapter")
    assert (kept / "adapter").read_text() == "one"
    keep_copy(kept, folder, "adapter")
    keep_copy(kept, folder / "b.txt", "b.txt")
    assert kept_names(kept) == ["adapter", "b.txt"]
    assert sorted(path.name for path in kept.iterdir()) == ["adapter", "b.txt"]
    assert (kept / "b.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", ".", "..", "../up", "a/b", "/tmp/x", ".hidden", "a\n", "é"])
def test_a_name_can_not_lead_out(kept: LocalPath, tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match="must have a name of letters"):
        keep_copy(kept, tmp_path / "file", name)
    assert not kept.exists()


def test_what_is_no_file_is_refused(kept: LocalPath, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing to keep"):
        keep_copy(kept, tmp_path / "none", "none")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "link").symlink_to("/etc/passwd")
    with pytest.raises(ValueError, match="is a symbolic link"):
        keep_copy(kept, folder, "folder")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="neither a file nor a folder"):
        keep_copy(kept, tmp_path / "pipe", "pipe")


def test_a_copy_that_breaks_off_leaves_what_was_there(
    kept: LocalPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in "ab":
        (folder / name).write_text("first")
    keep_copy(kept, folder, "folder")
    for name in "ab":
        (folder / name).write_text("second")
    copyfile = kept_module.shutil.copyfile

    def full(source: Path, to: Path) -> Any:
        if source.name == "b":
            raise OSError(28, "No space left on device", str(to))
        return copyfile(source, to)

    monkeypatch.setattr(kept_module.shutil, "copyfile", full)
    with pytest.raises(StorageFault, match="No space left on device"):
        keep_copy(kept, folder, "folder")
    assert {path.name: path.read_text() for path in (kept / "folder").iterdir()} == {
        "a": "first",
        "b": "first",
    }
    assert [path.name for path in kept.iterdir()] == ["folder"]


def test_on_an_object_store_a_folder_is_there_once_all_its_files_are(
    bucket: ObjectPath, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = bucket / "study" / "trials" / "00000.0" / "kept"
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in "ab":
        (folder / name).write_text("first")
    keep_copy(kept, folder, "folder")
    keep_copy(kept, folder / "a", "a.txt")
    assert kept_names(kept) == ["a.txt", "folder"]
    assert (kept / "folder" / "b").read_text() == "first"
    assert (kept / "a.txt").read_text() == "first"
    write = ObjectPath.write_whole

    def broken(path: ObjectPath, content: bytes | str) -> None:
        if path.name == "b":
            raise ConnectionError("away")
        write(path, content)

    monkeypatch.setattr(ObjectPath, "write_whole", broken)
    with pytest.raises(StorageFault, match="away"):
        keep_copy(kept, folder, "folder")
    assert kept_names(kept) == ["a.txt"]
