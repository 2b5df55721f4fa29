"""A prefix of an object store, against a real S3 server."""

from __future__ import annotations

import time
from typing import Any

import pytest

from study.errors import UserError
from study.files.object_storage import ObjectPath
from study.files.storage_uri import storage_path


def test_an_object_is_created_only_once(bucket: ObjectPath) -> None:
    (bucket / "one").create_exclusively(b"first")
    with pytest.raises(FileExistsError):
        (bucket / "one").create_exclusively(b"second")
    assert (bucket / "one").read_bytes() == b"first"


def test_objects_are_listed_by_name_from_any_of_them_on(bucket: ObjectPath) -> None:
    for name in ("c", "a", "b"):
        (bucket / "folder" / name).write_whole(name * 3)
    (bucket / "folder-2" / "d").write_whole("a neighbor by name")
    found = list((bucket / "folder").objects_below())
    assert [(each.path.name, each.size_bytes) for each in found] == [("a", 3), ("b", 3), ("c", 3)]
    after = (bucket / "folder").objects_below(after="a")
    assert [each.path for each in after] == [bucket / "folder" / "b", bucket / "folder" / "c"]
    assert [path.name for path in bucket.iterdir()] == ["folder", "folder-2"]


def test_an_object_says_when_it_was_written(bucket: ObjectPath) -> None:
    assert (bucket / "one").modified() is None
    (bucket / "one").write_whole("x")
    modified = (bucket / "one").modified()
    assert modified is not None
    assert abs(time.time() - modified.timestamp()) < 60


def test_files_below_a_whole_bucket_are_named_from_its_root(bucket: ObjectPath) -> None:
    (bucket / "one").write_whole("x")
    assert list(ObjectPath(bucket.root, "").files_below()) == [("lab", "one")]


def test_a_missing_bucket_is_named_on_one_line(s3: str) -> None:
    path = storage_path("s3://no-such-bucket-here/lab") / "file"
    with pytest.raises(OSError, match="no such") as caught:
        path.write_whole("x")
    assert "\n" not in str(caught.value)


def test_a_store_that_ignores_conditions_is_found_out(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.check_write_new()
    monkeypatch.setattr(ObjectPath, "create_exclusively", ObjectPath.write_whole)
    with pytest.raises(UserError, match="If-None-Match") as caught:
        bucket.check_write_new()
    assert str(bucket) in str(caught.value)
    assert list(bucket.objects_below()) == []


def test_a_new_object_is_written_once_though_its_answer_was_lost(bucket: ObjectPath) -> None:
    (bucket / "one").write_new("first")
    (bucket / "one").write_new("first")
    with pytest.raises(FileExistsError):
        (bucket / "one").write_new("second")
    assert (bucket / "one").read_bytes() == b"first"


@pytest.mark.parametrize("there", [b"", b"0"])
def test_what_somebody_writes_between_the_look_and_the_write_is_looked_at_too(
    bucket: ObjectPath, there: bytes
) -> None:
    path = bucket / "one"
    if there:
        path.write_whole(there)
    looked_at = list[bytes]()

    def is_newer(content: bytes) -> bool:
        looked_at.append(content)
        if content == there:
            path.write_whole(b"2")
        return content > b"1"

    if not there:
        path.write_whole(b"2")
    assert not path.write_unless(b"1", is_newer)
    assert path.read_bytes() == b"2"
    assert looked_at == ([there, b"2"] if there else [b"2"])


def test_a_write_whose_answer_was_lost_is_made_again(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, put = bucket / "one", ObjectPath._put
    answers_lost = 0

    def put_without_answer(path: ObjectPath, content: bytes, mode: Any) -> None:
        nonlocal answers_lost
        put(path, content, mode)
        if answers_lost < 2:
            answers_lost += 1
            raise OSError("the answer was lost")

    monkeypatch.setattr(ObjectPath, "_put", put_without_answer)
    assert path.write_unless(b"1", lambda content: False)
    assert (path.read_bytes(), answers_lost) == (b"1", 2)


def test_a_store_that_takes_no_write_is_not_asked_for_ever(
    bucket: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: ObjectPath, content: bytes, mode: Any) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(ObjectPath, "_put", refuse)
    with pytest.raises(OSError, match="no space left"):
        (bucket / "one").write_unless(b"1", lambda content: False)
