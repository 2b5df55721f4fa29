"""What holds for every storage, whether it is a local folder or a prefix of an object store."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.files.layout import studies_in
from study.files.local_storage import LocalPath
from study.files.storage import StoragePath


@pytest.fixture(params=["local", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> StoragePath:
    return LocalPath(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")


def write_some_files(root: StoragePath) -> None:
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
        path.parent.make_folder()
        path.write_whole(name)


class TestStoragePath:
    def test_what_is_written_is_read_back(self, root: StoragePath) -> None:
        path = root / "folder" / "file"
        path.parent.make_folder()
        assert not path.exists()
        path.write_whole("one")
        path.write_whole(b"two")
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

    def test_only_what_is_not_newer_is_replaced(self, root: StoragePath) -> None:
        path, seen = root / "file", list[bytes]()

        def is_newer(content: bytes) -> bool:
            seen.append(content)
            return content == b"two"

        assert path.write_unless(b"one", is_newer)
        assert path.write_unless(b"two", is_newer)
        assert not path.write_unless(b"one", is_newer)
        assert (path.read_bytes(), seen) == (b"two", [b"one", b"two"])

    def test_a_path_has_a_name_a_folder_and_a_text(self, root: StoragePath) -> None:
        path = root / "folder" / "file"
        assert path.name == "file"
        assert path.parent == root / "folder"
        assert str(path) == f"{root}/folder/file"
        assert type(path) is type(root)

    def test_parts_of_a_file_are_read(self, root: StoragePath) -> None:
        (root / "file").write_whole(b"0123456789")
        with (root / "file").open_binary() as file:
            file.seek(4)
            assert file.read(3) == b"456"
        with pytest.raises(FileNotFoundError):
            (root / "nothing").open_binary()

    def test_the_version_of_a_folder_changes_with_any_file_below(self, root: StoragePath) -> None:
        write_some_files(root)
        versions = [(root / "a").version_below(), (root / "a").version_below()]
        assert versions[0] == versions[1]
        (root / "a" / "trials" / "00001.0" / "x.ckpt").write_whole("something longer")
        versions.append((root / "a").version_below())
        (root / "a" / "trials" / "00001.0" / "x.ckpt").unlink()
        versions.append((root / "a").version_below())
        assert len(set(versions)) == 3
        assert (root / "none").version_below() == ""

    def test_names_are_found_part_by_part(self, root: StoragePath) -> None:
        write_some_files(root)
        checkpoints = root / "a" / "trials" / "00001.0"
        assert [path.name for path in checkpoints.sorted_glob("*.ckpt")] == ["x.ckpt", "y.ckpt"]
        assert sorted(str(path) for path in root.glob("*/study.yaml")) == [
            f"{root}/{x}/study.yaml" for x in "ab"
        ]
        assert sorted(path.name for path in root.glob("*")) == ["a", "b", "c"]
        assert sorted((root / "a").files_below()) == [
            ("study.yaml",),
            ("trials", "00001.0", "x.ckpt"),
            ("trials", "00001.0", "y.ckpt"),
        ]
        assert (root / "nowhere").sorted_glob("*") == []
        assert list((root / "nowhere").files_below()) == []
        assert list((root / "nowhere").listed_below()) == []
        listed = {file.name: file.size_bytes for file in (root / "a").listed_below()}
        assert listed.keys() == {"study.yaml", "trials/00001.0/x.ckpt", "trials/00001.0/y.ckpt"}
        assert sum(listed.values()) == (root / "a").bytes_below()
        assert [paths.name for paths in studies_in(root)] == ["a", "b"]

    def test_a_tree_is_removed_and_its_neighbors_are_not(self, root: StoragePath) -> None:
        write_some_files(root)
        (root / "ab").write_whole("a neighbor by name")
        (root / "a").remove_tree()
        (root / "a").remove_tree()
        (root / "b" / "study.yaml").remove_tree()
        assert sorted(root.files_below()) == [("ab",), ("c", "other")]
        sizes = [len((root / "ab").read_bytes()), len((root / "c" / "other").read_bytes())]
        assert root.bytes_below() == sum(sizes)
        assert (root / "nowhere").bytes_below() == 0

    def test_of_a_folder_only_what_is_named_is_removed(self, root: StoragePath) -> None:
        trial = root / "a" / "trials" / "00001.0"
        for folder in (trial, trial / "kept", trial / "kept" / "more", trial / "kept-not"):
            folder.make_folder()
            (folder / "x").write_whole("inside")
        (trial / "stderr.1.txt").write_whole("a traceback")
        trial.remove_trees("x", "kept", "nothing")
        assert set(trial.files_below()) == {("kept-not", "x"), ("stderr.1.txt",)}
        (root / "nowhere").remove_trees("x")

    def test_whole_files_are_no_partial_writes(self, root: StoragePath) -> None:
        write_some_files(root)
        checkpoints = root / "a" / "trials" / "00001.0"
        checkpoints.remove_partial_writes("x")
        (root / "nowhere").remove_partial_writes("x")
        checkpoints.make_names_durable()
        assert len(checkpoints.sorted_glob("*")) == 2

    def test_an_exclusive_block_can_be_entered_again_after_it_was_left(
        self, root: StoragePath
    ) -> None:
        for _ in range(2):
            with root.exclusive():
                (root / "file").write_whole("inside")
        with pytest.raises(ValueError, match="a failure passes through"), root.exclusive():
            raise ValueError("a failure passes through")
        with root.exclusive():
            assert (root / "file").read_text() == "inside"
