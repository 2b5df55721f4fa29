"""The journal on an object store, against a real S3 server."""

from __future__ import annotations

import pytest

import study.journal.log_storage
from study.errors import JournalDamaged, Superseded
from study.files.object_storage import ObjectPath
from study.journal.journal import Journal, journal_bytes, read_events


@pytest.fixture
def path(bucket: ObjectPath) -> ObjectPath:
    return bucket / "study" / "journal" / "events"


def told(point: int) -> dict[str, object]:
    return {"event": "told", "point": point}


def points(path: ObjectPath) -> list[int]:
    return [event["point"] for event in read_events(path)]


def test_what_is_appended_is_read_back(path: ObjectPath) -> None:
    assert read_events(path) == []
    journal = Journal.create(path)
    journal.append(told(0), told(1))
    journal.append(told(2))
    assert points(path) == [0, 1, 2]
    assert journal_bytes(path) == journal.size_bytes
    again = Journal.open(path)
    assert again.cut is None
    again.append(told(3))
    assert points(path) == [0, 1, 2, 3]


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
    assert points(path) == list(range(20))
    assert len(fetched) == 5
    assert journal_bytes(path) == journal.size_bytes


def test_a_superseded_driver_stops_at_its_next_record(path: ObjectPath) -> None:
    journal = Journal.create(path)
    journal.append(told(0))
    newer = Journal.open(path)
    newer.append(told(1))
    with pytest.raises(Superseded):
        journal.append(told(7))
    newer.append(told(2))
    assert points(path) == [0, 1, 2]


def test_an_append_whose_answer_was_lost_is_taken_for_done(
    path: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.journal.journal.PAUSE_S", 0.01)
    journal = Journal.create(path)
    whole, answers = ObjectPath.create_exclusively, iter([False, True])

    def lossy(self: ObjectPath, content: bytes) -> None:
        whole(self, content)
        if not next(answers):
            raise OSError(5, "connection reset")

    monkeypatch.setattr(ObjectPath, "create_exclusively", lossy)
    journal.append(told(0))
    monkeypatch.setattr(ObjectPath, "create_exclusively", whole)
    journal.append(told(1))
    assert points(path) == [0, 1]


def test_a_changed_object_is_damage(path: ObjectPath) -> None:
    journal = Journal.create(path)
    journal.append(told(0))
    journal.append(told(1))
    (path / "0000000001.jsonl").write_whole(b"changed\n")
    with pytest.raises(JournalDamaged, match="record 1"):
        read_events(path)
