"""What a user writes for a storage leads to one path, or to an error that says what would."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.errors import UserError
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage_uri import path_as_written, storage_path


def test_a_folder_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for where in ("lab", Path("lab"), LocalPath("lab"), f"file://{tmp_path}/lab"):
        assert storage_path(where) == LocalPath(tmp_path.resolve() / "lab")
        assert type(storage_path(where)) is LocalPath


@pytest.mark.parametrize("scheme", ["s3", "gs", "az"])
def test_an_address_names_a_bucket_and_what_lies_in_it(scheme: str) -> None:
    path = storage_path(f"{scheme}://bucket//lab/studies/")
    assert path == ObjectPath(f"{scheme}://bucket", "lab/studies")
    assert storage_path(path) is path
    assert str(storage_path(f"{scheme}://bucket")) == f"{scheme}://bucket"


@pytest.mark.parametrize("where", ["hdfs://host/x", "s3://", "s3://bucket/../other"])
def test_a_storage_that_is_none_is_refused(where: str) -> None:
    with pytest.raises(UserError, match="storage"):
        storage_path(where)


def test_a_path_as_written_stays_relative() -> None:
    assert str(path_as_written("lab/study.yaml")) == "lab/study.yaml"
    stored = ObjectPath("s3://bucket", "lab")
    assert path_as_written(stored) is stored


def test_an_address_holds_no_secret_and_repeats_none() -> None:
    with pytest.raises(UserError) as refused:
        storage_path("s3://KEY:SECRET@bucket/prefix")
    assert "SECRET" not in str(refused.value)
