"""A journal that is followed: what was appended is read, and nothing twice."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from study.errors import JournalDamaged
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath
from study.journal.following import FollowedJournal
from study.journal.journal import Journal, read_records
from study.journal.log import record_lines

EVENT = {"event": "asked", "origin": "sampler", "entry": None, "level": None, "nominal": None}


def asked(number: int) -> dict[str, Any]:
    return {**EVENT, "point": number, "values": {"lr": 0.1}, "known": True, "time": 1.0}


def points(followed: FollowedJournal) -> list[int]:
    return [point.number for point in followed.history.points]


@pytest.fixture(params=["folder", "store"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> StoragePath:
    if request.param == "folder":
        return LocalPath(tmp_path) / "journal" / "events.jsonl"
    bucket: ObjectPath = request.getfixturevalue("bucket")
    return bucket / "study" / "journal" / "events"


def test_what_is_appended_is_read_and_nothing_twice(place: StoragePath) -> None:
    followed = FollowedJournal(place)
    assert followed.read_on() == []
    journal = Journal.create(place)
    journal.append(asked(0), asked(1))
    assert [record["point"] for record in followed.read_on()] == [0, 1]
    assert followed.read_on() == []
    journal.append(asked(2))
    journal.append(asked(3))
    assert [record["point"] for record in followed.read_on()] == [2, 3]
    assert points(followed) == [0, 1, 2, 3]
    assert followed.record_count == 4
    assert followed.beginnings == 1
    journal.close()


def test_what_is_longer_than_one_look_takes_is_read_with_several(
    place: StoragePath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_lines, "LARGEST_APPEND_BYTES", 500)
    with closing(Journal.create(place)) as journal:
        for number in range(30):
            journal.append(asked(number))
        followed = FollowedJournal(place)
        assert [record["point"] for record in followed.read_on()] == list(range(30))
        assert followed.read_on() == []
    assert points(followed) == list(range(30))
    assert followed.beginnings == 1


def test_a_look_reads_only_what_was_appended(tmp_path: Path, monkeypatch: Any) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    journal = Journal.create(path)
    journal.append(*[asked(number) for number in range(100)])
    followed = FollowedJournal(path)
    followed.read_on()
    journal.append(asked(100))
    read: list[int] = []
    pread = os.pread

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        found = pread(descriptor, size, offset)
        read.append(len(found))
        return found

    monkeypatch.setattr(os, "pread", counted)
    followed.read_on()
    assert points(followed)[-1] == 100
    assert sum(read) < 300
    journal.close()


def test_a_tail_that_is_being_written_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    journal = Journal.create(path)
    journal.append(asked(0))
    before = path.read_bytes()
    journal.append(asked(1), asked(2))
    journal.close()
    whole = path.read_bytes()
    followed = FollowedJournal(path)
    for end in range(len(before), len(whole), 7):
        path.write_bytes(whole[:end])
        followed.read_on()
        assert points(followed) == [0]
    path.write_bytes(whole)
    followed.read_on()
    assert points(followed) == [0, 1, 2]
    assert followed.beginnings == 1


@pytest.mark.parametrize("longer", [False, True])
def test_another_journal_in_its_place_is_read_from_its_beginning(
    tmp_path: Path, longer: bool
) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    with_three = LocalPath(tmp_path) / "three.jsonl"
    for place, numbers in ((path, [0, 1]), (with_three, [0, 1, 2] if longer else [0])):
        journal = Journal.create(place)
        for number in numbers:
            journal.append(asked(number) | {"values": {"lr": len(numbers)}})
        journal.close()
    followed = FollowedJournal(path)
    followed.read_on()
    os.replace(with_three, path)
    followed.read_on()
    assert points(followed) == ([0, 1, 2] if longer else [0])
    assert followed.history.points[0].values == {"lr": 3 if longer else 1}
    assert followed.beginnings == 2


def test_a_journal_that_was_cut_and_went_on_otherwise_is_read_anew(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    journal = Journal.create(path)
    journal.append(asked(0))
    journal.append(asked(1))
    journal.close()
    followed = FollowedJournal(path)
    followed.read_on()
    kept = path.read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(kept)
    journal = Journal.open(path)
    for number in range(1, 4):
        journal.append(asked(number) | {"values": {"optimizer.lr": 0.123456789}})
    journal.close()
    followed.read_on()
    assert points(followed) == [0, 1, 2, 3]
    assert followed.history.points[1].values == {"optimizer.lr": 0.123456789}


def test_damage_is_named_as_by_those_who_read_the_whole(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    journal = Journal.create(path)
    journal.append(asked(0))
    followed = FollowedJournal(path)
    followed.read_on()
    for number in range(1, 4):
        journal.append(asked(number))
    journal.close()
    content = bytearray(path.read_bytes())
    content[content.index(b'"point":2') + 8] = ord("7")
    path.write_bytes(content)
    with pytest.raises(JournalDamaged) as told:
        read_records(path)
    with pytest.raises(JournalDamaged) as found:
        followed.read_on()
    assert str(found.value) == str(told.value)


def test_a_journal_that_is_removed_leaves_a_study_without_events(tmp_path: Path) -> None:
    path = LocalPath(tmp_path / "journal") / "events.jsonl"
    journal = Journal.create(path)
    journal.append(asked(0))
    journal.close()
    followed = FollowedJournal(path)
    followed.read_on()
    shutil.rmtree(tmp_path / "journal")
    followed.read_on()
    assert points(followed) == []
