"""Every name in a study's folder comes from one object, and none leads out of the storage."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import UserError
from study.files.layout import StudyPaths, check_study_name, studies_in
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage_uri import storage_path

BUCKET = ObjectPath("s3://bucket", "lab")


def test_a_name_cannot_leave_the_storage() -> None:
    with pytest.raises(UserError):
        StudyPaths(BUCKET, "../other")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "A", "-a", "a\n", "a" * 65])
def test_what_cannot_be_a_name_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="a study's name"):
        check_study_name(name)


def test_a_journal_is_a_file_where_files_can_grow_and_else_a_folder(tmp_path: Path) -> None:
    assert StudyPaths(LocalPath(tmp_path), "tiny").journal == tmp_path / "tiny/journal/events.jsonl"
    assert str(StudyPaths(BUCKET, "tiny").journal) == "s3://bucket/lab/tiny/journal/events"


def test_a_trial_has_a_folder_by_its_point_and_seed() -> None:
    paths = StudyPaths(BUCKET, "tiny")
    assert str(paths.checkpoints(7, 1)) == "s3://bucket/lab/tiny/trials/00007.1/checkpoints"
    assert str(paths.stderr(7, 1, 2)) == "s3://bucket/lab/tiny/trials/00007.1/stderr.2.txt"


def test_studies_are_the_folders_with_a_study_file_and_a_study_s_name(tmp_path: Path) -> None:
    for name in ("b", "a", "Not-One", "empty"):
        (tmp_path / name).mkdir()
        if name != "empty":
            (tmp_path / name / "study.yaml").write_text("")
    assert [paths.name for paths in studies_in(LocalPath(tmp_path))] == ["a", "b"]


def test_a_storage_is_named_in_a_command_unless_it_is_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def resume(storage: str) -> str:
        return StudyPaths(storage_path(storage), "fake").command("resume", "--points", 7)

    words = "study resume fake --points 7"
    assert resume("studies") == words
    assert resume("other") == f"{words} --storage {tmp_path / 'other'}"
    assert resume("s3://bucket/lab") == f"{words} --storage s3://bucket/lab"
    assert resume("my studies") == f"{words} --storage '{tmp_path / 'my studies'}'"
