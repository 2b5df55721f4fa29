"""Files are listed with what tells whether they are still the same."""

from __future__ import annotations

import os
from pathlib import Path

from study.files.local_storage import LocalPath
from study.training.data.files.listing import are_unchanged, list_files


def write(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")


def test_a_folder_that_links_lead_to_again_is_listed_once(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1.jpg")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "a" / "lost.jpg").symlink_to(tmp_path / "nowhere")
    listing = list_files(LocalPath(tmp_path))
    assert [(file.name, file.size_bytes) for file in listing.files] == [
        ("a/1.jpg", 1),
        ("a/lost.jpg", -1),
    ]


def test_a_new_file_is_noticed_by_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "a" / "1.jpg", tmp_path / "b" / "deep" / "1.jpg")
    place = LocalPath(tmp_path)
    folders = list_files(place).folders
    assert folders.keys() == {"", "a", "b", "b/deep"}
    assert are_unchanged(place, folders)
    os.utime(tmp_path / "b" / "deep", ns=(0, 1))
    assert not are_unchanged(place, folders)
    assert not are_unchanged(place / "nowhere", folders)


def test_a_version_changes_with_names_sizes_and_times(tmp_path: Path) -> None:
    file = tmp_path / "a" / "1.jpg"
    versions = []
    for size, time_ns in ((1, 1), (2, 1), (2, 2)):
        write(file)
        file.write_bytes(b"x" * size)
        os.utime(file, ns=(0, time_ns))
        versions.append(list_files(LocalPath(tmp_path)).version())
    file.rename(tmp_path / "a" / "2.jpg")
    versions.append(list_files(LocalPath(tmp_path)).version())
    assert len(set(versions)) == 4
    assert list_files(LocalPath(tmp_path)).version() == versions[-1]
