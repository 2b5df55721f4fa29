"""A log's bytes only grow, in a local file or in a row of objects against a real S3 server."""

from __future__ import annotations

from pathlib import Path

import pytest

import study.journal.log_storage
from study.errors import Superseded
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath
from study.journal.journal import Journal, journal_bytes, read_records
from study.journal.log_storage import FileLog, Log, log_at


@pytest.fixture
def path(bucket: ObjectPath) -> ObjectPath:
    return bucket / "study" / "journal" / "events"


@pytest.fixture(params=["local", "s3"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Log:
    root: StoragePath = LocalPath(tmp_path)
    if request.param == "s3":
        root = request.getfixturevalue("bucket")
    return log_at(root / "study" / "journal" / "events")


class TestLog:
    def test_a_log_grows_by_what_is_appended(self, log: Log) -> None:
        assert not log.exists()
        log.create()
        log.open_at(0)
        log.append(b"a\n", 0, 1)
        log.append(b"b\nc\n", 1, 3)
        log.close()
        log.close()
        assert log.exists()
        assert (log.read(), log.size()) == (b"a\nb\nc\n", 6)

    def test_another_log_goes_on_where_one_has_ended(self, log: Log) -> None:
        log.create()
        log.open_at(0)
        log.append(b"a\n", 0, 1)
        log.close()
        other = log_at(log.path)
        assert other.read() == b"a\n"
        other.open_at(2)
        other.append(b"b\n", 1, 2)
        other.close()
        assert log_at(log.path).read() == b"a\nb\n"

    def test_a_failed_append_is_rolled_back(self, log: Log) -> None:
        log.create()
        log.open_at(0)
        log.append(b"a\n", 0, 1)
        log.roll_back()
        log.append(b"b\n", 1, 2)
        log.close()
        assert log.read() == b"a\nb\n"

    def test_a_removed_log_is_not_there(self, log: Log) -> None:
        log.create()
        log.open_at(0)
        log.append(b"a\n", 0, 1)
        log.close()
        log.remove()
        log.remove()
        assert not log.exists()


def test_a_file_is_cut_where_a_log_goes_on(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "journal" / "events.jsonl"
    log = FileLog(path)
    log.create()
    path.write_bytes(b"a\nb\ntor")
    log.open_at(4)
    log.append(b"c\n", 2, 3)
    log.close()
    assert path.read_bytes() == b"a\nb\nc\n"
    with pytest.raises(FileExistsError):
        log.create()


def test_an_object_that_another_driver_has_written_is_not_replaced(path: ObjectPath) -> None:
    first, second = log_at(path), log_at(path)
    first.append(b"a\n", 0, 1)
    with pytest.raises(Superseded):
        second.append(b"b\n", 0, 1)
    second.append(b"a\n", 0, 1)  # the very append whose answer was lost
    assert first.read() == b"a\n"


def told(point: int) -> dict[str, object]:
    return {"event": "told", "point": point}


def test_many_objects_are_read_as_few(path: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.journal.log_storage, "MERGE_EVERY", 3)
    journal = Journal.create(path)
    for point in range(5):
        journal.append(told(2 * point), told(2 * point + 1))
    journal = Journal.open(path)
    for point in range(10, 20):
        journal.append(told(point))
    fetched: list[str] = []
    whole = ObjectPath.read_bytes
    monkeypatch.setattr(
        ObjectPath, "read_bytes", lambda self: (fetched.append(self.name), whole(self))[1]
    )
    assert [event["point"] for event in read_records(path)] == list(range(20))
    assert len(fetched) == 5
    assert journal_bytes(path) == journal.size_bytes
