"""A prefix of an object store answers as a folder does."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import UserError
from study.files.atomic import files_below, make_folder, matching, remove_tree, write_whole
from study.files.layout import StudyPaths, studies_in
from study.files.object_store import ObjectPath, Place, place


@pytest.fixture(params=["local", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    return tmp_path if request.param == "local" else request.getfixturevalue("bucket")


def fill(root: Place) -> None:
    for name in (
        "b/study.yaml",
        "a/study.yaml",
        "a/trials/00001.0/x.ckpt",
        "a/trials/00001.0/y.ckpt",
        "c/other",
    ):
        path = root
        for part in name.split("/"):
            path = path / part
        make_folder(path.parent)
        write_whole(path, name)


def test_what_is_written_is_read_back(root: Place) -> None:
    path = root / "folder" / "file"
    make_folder(path.parent)
    assert not path.exists()
    write_whole(path, "one")
    write_whole(path, b"two")
    assert (path.read_text(), path.read_bytes()) == ("two", b"two")
    assert path.is_file()
    assert not path.is_dir()
    assert path.parent.is_dir()
    path.unlink()
    path.unlink(missing_ok=True)
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        path.read_bytes()
    with pytest.raises(FileNotFoundError):
        path.unlink()


def test_names_are_found_part_by_part(root: Place) -> None:
    fill(root)
    assert [path.name for path in matching(root / "a" / "trials" / "00001.0", "*.ckpt")] == [
        "x.ckpt",
        "y.ckpt",
    ]
    assert sorted(str(path) for path in root.glob("*/study.yaml")) == [
        f"{root}/{x}/study.yaml" for x in "ab"
    ]
    assert sorted(path.name for path in root.iterdir()) == ["a", "b", "c"]
    assert sorted(files_below(root / "a")) == [
        ("study.yaml",),
        ("trials", "00001.0", "x.ckpt"),
        ("trials", "00001.0", "y.ckpt"),
    ]
    assert matching(root / "nowhere", "*") == []
    assert list(files_below(root / "nowhere")) == []
    assert [paths.name for paths in studies_in(root)] == ["a", "b"]


def test_a_tree_is_removed_and_its_neighbors_are_not(root: Place) -> None:
    fill(root)
    write_whole(root / "ab", "a neighbor by name")
    remove_tree(root / "a")
    remove_tree(root / "a")
    remove_tree(root / "b" / "study.yaml")
    assert sorted(files_below(root)) == [("ab",), ("c", "other")]


def test_an_object_is_created_only_once(bucket: ObjectPath) -> None:
    (bucket / "one").create(b"first")
    with pytest.raises(FileExistsError):
        (bucket / "one").create(b"second")
    assert (bucket / "one").read_bytes() == b"first"


def test_a_missing_bucket_is_named_on_one_line(s3: str) -> None:
    path = place("s3://no-such-bucket-here/lab") / "file"
    with pytest.raises(OSError, match="no such") as caught:
        write_whole(path, "x")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("where", ["hdfs://host/x", "s3://", "s3://bucket/../other"])
def test_a_storage_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(UserError, match="storage"):
        place(where)


def test_a_name_cannot_leave_the_storage(bucket: ObjectPath) -> None:
    with pytest.raises(UserError):
        StudyPaths(bucket, "../other")
