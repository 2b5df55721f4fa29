"""A log's bytes only grow, in a local file or in a row of objects against a real S3 server."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import pytest

import study.journal.log.log_storage
from study.errors import JournalDamaged, StateLost, Superseded
from study.files.local_storage import LocalPath
from study.files.object_storage import ObjectPath
from study.files.storage import StoragePath
from study.journal.journal import Journal, journal_bytes, read_records
from study.journal.log import record_lines
from study.journal.log.log_storage import FileLog, Log, log_at


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
        assert b"".join(log.parts()) == b"".join(log.parts_without_copies()) == log.read()

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


@pytest.mark.parametrize("is_made_by_another", [False, True])
def test_the_name_of_an_empty_log_is_durable_before_it_is_appended_to(
    is_made_by_another: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = FileLog(LocalPath(tmp_path) / "one" / "journal" / "events.jsonl")
    if is_made_by_another:  # which was killed before it could sync anything
        log.path.parent.mkdir(parents=True)
        log.path.touch()
    else:
        log.create()
    synced: list[Path] = []
    monkeypatch.setattr(study.journal.log.log_storage, "sync_folder", synced.append)
    monkeypatch.setattr(study.journal.log.log_storage, "make_folder", synced.append)
    log.open_at(0)
    log.close()
    assert synced == [log.path.parent, log.path.parent]


def test_an_append_is_synced_once_it_is_whole_and_before_it_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = FileLog(LocalPath(tmp_path) / "journal" / "events.jsonl")
    log.create()
    log.open_at(0)
    synced: list[bytes] = []
    monkeypatch.setattr(
        os, "write", lambda descriptor, data, write=os.write: write(descriptor, data[:1])
    )
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(log.read()))
    log.append(b"a\n", 0, 1)
    log.append(b"b\n", 1, 2)
    log.close()
    assert synced == [b"a\n", b"a\nb\n"]


class TestAnotherDriverAppendsMeanwhile:
    """A write may take long, and a lock that somebody has removed lets another driver in."""

    @pytest.fixture
    def log(self, tmp_path: Path) -> FileLog:
        log = FileLog(LocalPath(tmp_path) / "journal" / "events.jsonl")
        log.create()
        log.open_at(0)
        log.append(b"a\n", 0, 1)
        return log

    def meanwhile(self, log: FileLog, monkeypatch: pytest.MonkeyPatch, theirs: bytes) -> None:
        """Have somebody else append in the moment before the log's own bytes arrive."""
        write = os.write

        def written(descriptor: int, data: bytes) -> int:
            monkeypatch.setattr(os, "write", write)
            with log.path.open("ab") as file:
                file.write(theirs)
            return write(descriptor, data)

        monkeypatch.setattr(os, "write", written)

    def test_what_arrives_behind_it_is_taken_back(
        self, log: FileLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.meanwhile(log, monkeypatch, b"theirs\n")
        with pytest.raises(StateLost, match=r"was changed by somebody else .* 11 bytes from 2"):
            log.append(b"b\n", 1, 2)
        assert log.read() == b"a\ntheirs\n"

    def test_an_append_that_fails_takes_nothing_of_theirs_back(
        self, log: FileLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.meanwhile(log, monkeypatch, b"theirs\n")
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(OSError, match="refused"):
            log.append(b"b\n", 1, 2)
        with pytest.raises(StateLost, match="was changed by somebody else"):
            log.roll_back()
        assert log.read() == b"a\ntheirs\nb\n"

    def test_a_file_that_was_cut_meanwhile_is_not_filled_up(
        self, log: FileLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        log.append(b"b" * 100 + b"\n", 1, 2)
        monkeypatch.setattr(os, "fsync", lambda descriptor: os.truncate(log.path, 1))
        with pytest.raises(StateLost, match="to 1 bytes from 103"):
            log.append(b"c\n", 2, 3)
        with pytest.raises(StateLost, match="to 1 bytes from 103"):
            log.roll_back()
        assert log.read() == b"a"

    def test_what_never_came_to_the_disk_is_rolled_back(
        self, log: FileLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def lose(descriptor: int) -> None:
            log.path.write_bytes(b"a\nb" + bytes(2))
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", lose)
            with pytest.raises(OSError, match="No space left"):
                log.append(b"bcd\n", 1, 2)
        log.roll_back()
        log.append(b"bcd\n", 1, 2)
        assert log.read() == b"a\nbcd\n"

    def test_a_driver_without_its_lock_is_told_of_that(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        journal = Journal.create(LocalPath(tmp_path) / "journal" / "events.jsonl")
        journal.append({"event": "told", "point": 0})
        asked: list[int] = []

        def check_held() -> None:
            asked.append(len(asked))
            if len(asked) > 1:
                raise Superseded("the lock was removed")

        journal.check_may_append = check_held
        assert isinstance(journal._log, FileLog)
        self.meanwhile(journal._log, monkeypatch, b"theirs\n")
        with pytest.raises(Superseded, match="the lock was removed"):
            journal.append({"event": "told", "point": 1})
        assert journal.path.read_bytes().endswith(b"theirs\n")


def refuse(descriptor: int) -> None:
    raise OSError("refused")


def test_an_object_that_another_driver_has_written_is_not_replaced(path: ObjectPath) -> None:
    first, second = log_at(path), log_at(path)
    first.append(b"a\n", 0, 1)
    with pytest.raises(Superseded):
        second.append(b"b\n", 0, 1)
    second.append(b"a\n", 0, 1)  # the very append whose answer was lost
    assert first.read() == b"a\n"


def test_an_append_whose_answer_was_lost_is_not_made_once_another_driver_has_gone_on(
    path: ObjectPath,
) -> None:
    first, second = log_at(path), log_at(path)
    first.append(b"a\nb\n", 0, 2)  # its answer is lost
    second.append(b"taken\n", 2, 3)
    with pytest.raises(Superseded):
        first.append(b"a\nb\n", 0, 2)
    assert first.read() == b"a\nb\ntaken\n"


def told(point: int) -> dict[str, object]:
    return {"event": "told", "point": point}


def test_many_objects_are_read_as_few(path: ObjectPath, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.journal.log.log_storage, "MERGE_EVERY", 3)
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


def test_merging_that_fails_is_no_part_of_appending(
    path: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study.journal.log.log_storage, "MERGE_EVERY", 3)
    whole, refusals = ObjectPath.write_whole, iter([False, True])

    def lossy(self: ObjectPath, content: bytes | str) -> None:
        takes_effect = next(refusals, None)
        if takes_effect is not False:
            whole(self, content)
        if takes_effect is not None:
            raise OSError(5, "503 Service Unavailable", str(self))

    monkeypatch.setattr(ObjectPath, "write_whole", lossy)
    journal = Journal.create(path)
    waits: list[str] = []
    journal.on_wait = waits.append
    for point in range(10):
        journal.append(told(point))
    assert [event["point"] for event in read_records(path)] == list(range(10))
    assert waits == []
    assert journal_bytes(path) == journal.size_bytes
    merged = sorted(found.path.name for found in log_at(path).merged.objects_below())
    assert merged[-1] == "0000000005-0000000008.jsonl"


def test_a_merged_object_that_is_damaged_is_passed_over(
    path: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study.journal.log.log_storage, "MERGE_EVERY", 3)
    journal = Journal.create(path)
    for point in range(6):
        journal.append(told(point))
    merged = log_at(path).merged / "0000000000-0000000003.jsonl"
    content = merged.read_bytes()
    for damaged in (content.replace(b"told", b"tolt"), content + content, content[:-90], b""):
        merged.write_whole(damaged)
        assert [event["point"] for event in read_records(path)] == list(range(6))
        Journal.open(path)


def test_objects_of_other_names_are_not_the_log_s(path: ObjectPath) -> None:
    log = log_at(path)
    for folder in (path, path.parent / "merged"):
        for name in (".keep", "0000000000.jsonl.bak", "x/0000000000.jsonl", "0-1.jsonl"):
            (folder / name).write_whole(b"?")
    assert not log.exists()
    Journal.create(path).append(told(0))
    assert [event["point"] for event in read_records(path)] == [0]


def test_an_object_that_was_removed_meanwhile_is_missed(path: ObjectPath) -> None:
    journal = Journal.create(path)
    for point in range(5):
        journal.append(told(point))
    journal.check_stored()
    Journal.open(path).append(told(500))
    journal.check_stored()
    (path / "0000000004.jsonl").unlink()
    with pytest.raises(JournalDamaged, match="record 4"):
        journal.check_stored()
    (path / "0000000005.jsonl").unlink()
    with pytest.raises(StateLost, match="has 4 records, and 5 were written"):
        journal.check_stored()


def test_a_removal_that_is_broken_off_leaves_a_shorter_log(
    path: ObjectPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study.journal.log.log_storage, "MERGE_EVERY", 3)
    journal = Journal.create(path)
    for point in range(5):
        journal.append(told(point))
    whole, left = ObjectPath.unlink, iter(range(3))

    def broken_off(self: ObjectPath, missing_ok: bool = False) -> None:
        if self.name.endswith(".jsonl") and next(left, None) is None:
            raise OSError(5, "503 Service Unavailable", str(self))
        whole(self, missing_ok)

    monkeypatch.setattr(ObjectPath, "unlink", broken_off)
    with pytest.raises(OSError, match="503"):
        log_at(path).remove()
    assert [event["point"] for event in read_records(path)] == [0, 1, 2]


def test_a_file_that_is_larger_than_any_append_and_no_journal_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    path.touch()
    os.truncate(path, 1 << 40)  # none of which is read beyond the limit, else this takes an hour
    monkeypatch.setattr(record_lines, "LARGEST_APPEND_BYTES", 1 << 20)
    with pytest.raises(JournalDamaged, match="no study's journal has so many"):
        read_records(path)


def test_what_follows_a_damage_is_not_read_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    with closing(Journal.create(path)) as journal:
        journal.append(told(0))
        intact = journal.size_bytes
        for point in range(1, 20):
            journal.append(told(point))
    content = bytearray(path.read_bytes())
    content[intact + 20] ^= 1
    path.write_bytes(content)
    monkeypatch.setattr(record_lines, "LARGEST_APPEND_BYTES", 500)
    with pytest.raises(JournalDamaged, match=rf"record 1 .* more than 500 .* head -c {intact} "):
        read_records(path)


def test_a_journal_may_be_longer_than_what_is_read_of_it_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    monkeypatch.setattr(record_lines, "LARGEST_APPEND_BYTES", 500)
    with closing(Journal.create(path)) as journal:
        for point in range(50):
            journal.append(told(point))
    os.truncate(path, path.stat().st_size - 5)
    with closing(Journal.open(path)) as journal:
        assert journal.record_count == 49
        assert journal.cut is not None
        journal.append(told(49))
    assert [event["point"] for event in read_records(path)] == list(range(50))


def test_a_journal_that_is_a_link_is_not_opened(tmp_path: Path) -> None:
    path = LocalPath(tmp_path) / "events.jsonl"
    Journal.create(path.parent / "mine").append(told(0))
    path.symlink_to(tmp_path / "mine")
    with pytest.raises(OSError, match="symbolic links"):
        Journal.open(path)
