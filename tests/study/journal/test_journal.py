"""The journal keeps every record that was appended, whole and in order, or says what is damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from study.errors import JournalDamaged, StateLost, Superseded
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath
from study.journal.journal import Journal, blocks_of, journal_bytes, read_records
from study.journal.log.record_lines import encode_line


@pytest.fixture(params=["local", "s3"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> StoragePath:
    root = LocalPath(tmp_path) if request.param == "local" else request.getfixturevalue("bucket")
    return root / "study" / "journal" / "events"


@pytest.fixture
def stored(bucket: ObjectPath) -> ObjectPath:
    return bucket / "study" / "journal" / "events"


def told(point: int) -> dict[str, object]:
    return {"event": "told", "point": point}


def points(path: StoragePath) -> list[int]:
    return [event["point"] for event in read_records(path)]


def test_what_is_appended_is_read_back(path: StoragePath) -> None:
    assert read_records(path) == []
    journal = Journal.create(path)
    journal.append(told(0), told(1))
    journal.append(told(2))
    assert points(path) == [0, 1, 2]
    assert journal_bytes(path) == journal.size_bytes
    again = Journal.open(path)
    assert again.cut is None
    again.append(told(3))
    assert points(path) == [0, 1, 2, 3]


def test_a_superseded_driver_stops_at_its_next_record(stored: ObjectPath) -> None:
    journal = Journal.create(stored)
    journal.append(told(0))
    newer = Journal.open(stored)
    newer.append(told(1))
    with pytest.raises(Superseded):
        journal.append(told(7))
    newer.append(told(2))
    assert points(stored) == [0, 1, 2]


def test_an_append_whose_answer_was_lost_is_taken_for_done(
    stored: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("study.journal.journal.PAUSE_S", 0.01)
    journal = Journal.create(stored)
    whole, answers = ObjectPath.create_exclusively, iter([False, True])

    def lossy(self: ObjectPath, content: bytes) -> None:
        whole(self, content)
        if not next(answers):
            raise OSError(5, "connection reset")

    monkeypatch.setattr(ObjectPath, "create_exclusively", lossy)
    journal.append(told(0))
    monkeypatch.setattr(ObjectPath, "create_exclusively", whole)
    journal.append(told(1))
    assert points(stored) == [0, 1]


def test_a_changed_object_is_damage(stored: ObjectPath) -> None:
    journal = Journal.create(stored)
    journal.append(told(0))
    journal.append(told(1))
    (stored / "0000000001.jsonl").write_whole(b"changed\n")
    with pytest.raises(JournalDamaged, match="record 1"):
        read_records(stored)


def test_a_record_in_the_middle_that_was_lost_is_refused_with_its_place(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    lines = [encode_line(n, {"event": "told", "point": n}) for n in range(5)]
    path.write_bytes(b"".join(lines[:2] + lines[3:]))
    with pytest.raises(JournalDamaged, match=r"record 2 \(line 3, byte \d+\) is damaged"):
        Journal.open(path)


def test_appending_continues_after_a_cut(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "j" / "events.jsonl"
    journal = Journal.create(path)
    journal.append({"event": "told", "point": 0})
    journal.append({"event": "told", "point": 1})
    journal.close()
    path.write_bytes(path.read_bytes()[:-3])
    journal = Journal.open(path)
    assert journal.cut is not None
    assert [event["point"] for event in journal.records()] == [0]
    journal.append({"event": "told", "point": 7})
    journal.close()
    assert [event["point"] for event in read_records(path)] == [0, 7]


def test_the_records_of_a_journal_are_read_anew_with_those_appended(path: StoragePath) -> None:
    journal = Journal.create(path)
    journal.append(told(0), told(1))
    journal.close()
    taken: list[int] = []
    again = Journal.open(path, lambda records: taken.extend(each["point"] for each in records))
    again.append(told(2))
    newer = Journal.open(path)
    newer.append(told(3))
    assert taken == [0, 1]
    assert [event["point"] for event in again.records()] == [0, 1, 2]
    assert [event["point"] for event in newer.records()] == [0, 1, 2, 3]
    again.close()
    newer.close()


def test_records_that_are_gone_when_they_are_read_anew_are_missed(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "j" / "events.jsonl"
    journal = Journal.create(path)
    journal.append(told(0))
    kept = path.read_bytes()
    journal.append(told(1))
    path.write_bytes(kept)
    with pytest.raises(StateLost, match="has 1 records, and 2 were written"):
        list(journal.records())
    journal.close()


def test_a_tail_that_is_taken_back_while_it_is_read_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    long = "x" * 20_000  # longer than what is read of a file ahead
    first = encode_line(0, told(0))
    path.write_bytes(first + encode_line(1, {**told(1), "note": long})[:-30])
    monkeypatch.setattr("study.journal.log.log_storage.PART_BYTES", len(first) + 20)
    blocks = blocks_of(path)
    assert [event["point"] for event in next(blocks).records] == [0]
    anew = [told(1), {**told(2), "note": long}, told(3)]
    lines = [encode_line(number, record) for number, record in enumerate(anew, start=1)]
    path.write_bytes(b"".join([first, *lines]))
    assert [event["point"] for block in blocks for event in block.records] == [1, 2, 3]


def test_a_storage_that_refuses_for_a_while_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import study.journal.journal as module

    monkeypatch.setattr(module, "PAUSE_S", 0.01)
    journal = Journal.create(LocalPath(tmp_path) / "j" / "events.jsonl")
    journal.append({"event": "told", "point": 0})
    said: list[str] = []
    journal.on_wait = said.append
    whole, troubles = os.write, iter([True, True, False])

    def full(descriptor: int, data: bytes) -> int:
        if next(troubles):
            whole(descriptor, data[:10])
            raise OSError(28, "No space left on device")
        return whole(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    journal.append({"event": "told", "point": 1})
    journal.close()
    assert len(said) == 2
    assert "No space left" in said[0]
    assert [event["point"] for event in read_records(journal.path)] == [0, 1]
