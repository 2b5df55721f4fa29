"""Whatever becomes of a journal's bytes on a disk: it is opened with exactly the appends in front
of the damage, or refused with the place.

The journals are real files, written and read by the journal itself. ``hypothesis`` chooses what is
written and how it is damaged.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.errors import JournalDamaged
from study.execution.driver import drive
from study.execution.run import RunOptions
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.storage import StoragePath
from study.journal.history import History
from study.journal.journal import Journal, read_records
from study.journal.spec_versions import current_spec, extend

from ...taking_up import Listener, take_up
from .written_journals import (
    QUICKLY,
    Append,
    WrittenJournal,
    appends,
    check_goes_on_or_refuses,
    write_journal,
)

ONE_RECORD_EACH = appends(records=1)
SEVERAL_RECORDS_EACH = appends(records=4, fewest=2)


@contextmanager
def local_journal(appended: list[Append]) -> Iterator[WrittenJournal]:
    with tempfile.TemporaryDirectory() as folder:
        yield write_journal(LocalPath(folder) / "journal" / "events.jsonl", appended)


def check_damage(written: WrittenJournal, damaged: bytes) -> bool:
    content = written.path.read_bytes()
    Path(str(written.path)).write_bytes(damaged)
    return check_goes_on_or_refuses(written, content, damaged)


# --- cut ---


def check_truncated(appended: list[Append], data: st.DataObject) -> None:
    with local_journal(appended) as written:
        content = written.path.read_bytes()
        size = data.draw(st.integers(0, len(content)), "bytes left")
        goes_on = check_damage(written, content[:size])
        assert goes_on or written.kept_of(size) == 0, "a torn append alone stops no study"


@QUICKLY
@given(ONE_RECORD_EACH, st.data())
def test_a_truncated_journal_goes_on_with_its_whole_appends(
    appended: list[Append], data: st.DataObject
) -> None:
    check_truncated(appended, data)


@QUICKLY
@given(SEVERAL_RECORDS_EACH, st.data())
def test_an_append_of_several_records_is_whole_or_absent(
    appended: list[Append], data: st.DataObject
) -> None:
    check_truncated(appended, data)


# --- bent ---


def check_flipped(appended: list[Append], data: st.DataObject, begin_at: int = 0) -> None:
    """Flip bits of a byte of the last appends, those from number ``begin_at`` on."""
    with local_journal(appended) as written:
        content = bytearray(written.path.read_bytes())
        at = data.draw(st.integers([0, *written.ends][begin_at], len(content) - 1), "byte")
        content[at] ^= data.draw(st.integers(1, 255), "bits")
        check_damage(written, bytes(content))


@QUICKLY
@given(ONE_RECORD_EACH, st.data())
def test_a_flipped_byte_is_never_taken_for_a_record(
    appended: list[Append], data: st.DataObject
) -> None:
    check_flipped(appended, data)


@QUICKLY
@given(SEVERAL_RECORDS_EACH, st.data())
def test_a_flipped_byte_leaves_no_half_of_an_append(
    appended: list[Append], data: st.DataObject
) -> None:
    check_flipped(appended, data, begin_at=-2)


@QUICKLY
@given(SEVERAL_RECORDS_EACH, st.data())
def test_a_page_of_the_last_append_that_never_reached_the_disk_is_no_record(
    appended: list[Append], data: st.DataObject
) -> None:
    """A loss of power may leave the later pages of one write without the earlier ones."""
    with local_journal(appended) as written:
        content = written.path.read_bytes()
        begins = written.ends[-2]
        absent = data.draw(st.integers(1, len(content) - begins - 1), "bytes of zero")
        zeros = bytes(absent)
        check_damage(written, content[:begins] + zeros + content[begins + absent :])


# --- out of order, twice ---


@QUICKLY
@given(SEVERAL_RECORDS_EACH, st.data())
def test_reordered_records_are_never_a_history(appended: list[Append], data: st.DataObject) -> None:
    with local_journal(appended) as written:
        content = written.path.read_bytes()
        begins = written.ends[-2]
        lines = content[begins:].splitlines(keepends=True)
        reordered = b"".join(data.draw(st.permutations(lines), "order"))
        check_damage(written, content[:begins] + reordered)


def check_doubled(appended: list[Append], data: st.DataObject, end_at: int = 0) -> None:
    """Let a segment stand twice, one that ends in the last appends, those from ``end_at`` on."""
    with local_journal(appended) as written:
        content = written.path.read_bytes()
        end = data.draw(st.integers([0, *written.ends][end_at], len(content)), "segment's end")
        begin = data.draw(st.integers(0, end), "segment's begin")
        check_damage(written, content[:end] + content[begin:end] + content[end:])


@QUICKLY
@given(ONE_RECORD_EACH, st.data())
def test_a_segment_that_stands_twice_is_never_a_history(
    appended: list[Append], data: st.DataObject
) -> None:
    check_doubled(appended, data)


@QUICKLY
@given(SEVERAL_RECORDS_EACH, st.data())
def test_a_segment_that_stands_twice_leaves_no_half_of_an_append(
    appended: list[Append], data: st.DataObject
) -> None:
    check_doubled(appended, data, end_at=-2)


@QUICKLY
@given(SEVERAL_RECORDS_EACH, st.data())
def test_whole_appends_that_stand_twice_are_refused(
    appended: list[Append], data: st.DataObject
) -> None:
    with local_journal(appended) as written:
        content = written.path.read_bytes()
        first, last = sorted(data.draw(st.tuples(*2 * [st.integers(0, len(appended))]), "appends"))
        begin, end = ([0, *written.ends][number] for number in (first, last))
        check_damage(written, content[:end] + content[begin:end] + content[end:])


# --- what never was a journal ---


@QUICKLY
@given(st.lists(st.text(st.characters(codec="ascii"), max_size=30), min_size=2, max_size=5))
def test_a_file_that_never_was_a_journal_is_left_as_it_is(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = LocalPath(folder) / "events.jsonl"
        content = "\n".join(lines).encode()
        path.write_bytes(content)
        with pytest.raises(JournalDamaged, match="record 0"):
            Journal.open(path)
        assert path.read_bytes() == content


def test_a_record_holds_any_text_that_python_knows(tmp_path: Path) -> None:
    """A file name that isn't UTF-8, in a failure's message say, has lone surrogates."""
    path = LocalPath(tmp_path) / "journal" / "events.jsonl"
    write_journal(path, [[{"event": "failed", "message": "caf\udce9.png"}]])
    assert len(read_records(path)) == 1


# --- what depends on several records ---


def copied(study: StudyPaths, folder: Path) -> StudyPaths:
    """A copy of a study that ran to its end."""
    paths = StudyPaths(LocalPath(folder), study.name)
    shutil.copytree(study.folder, paths.folder)
    journal = Journal.open(paths.journal)
    if History(journal.records()).sessions[-1].reason != "complete":
        journal.append({"event": "closed", "session": 1, "reason": "complete", "time": 1.0})
    journal.close()
    return paths


def keep_lines(path: StoragePath, count: int) -> None:
    lines = Path(str(path)).read_bytes().splitlines(keepends=True)
    Path(str(path)).write_bytes(b"".join(lines[:count]))


def test_a_study_killed_while_it_was_created_is_taken_up(
    finished: StudyPaths, tmp_path: Path
) -> None:
    """The record of its creation and that of its study file are one append."""
    paths = copied(finished, tmp_path)
    for left in ("results", "trials"):
        (paths.folder / left).remove_tree()
    keep_lines(paths.journal, 1)
    found, _ = take_up(paths)
    assert isinstance(found, History)
    assert len(found.specs) == 1


def test_an_extension_of_which_half_was_written_is_made_again(
    finished: StudyPaths, tmp_path: Path
) -> None:
    """The new version of the study file and the points that it reopens are one append."""
    paths = copied(finished, tmp_path)
    before = read_records(paths.journal)
    extended = replace(current_spec(paths, History(before), print), replicates=2)
    extend(paths, extended)
    whole = [event["event"] for event in read_records(paths.journal)]
    assert whole[len(before) :].count("reopened") > 1
    keep_lines(paths.journal, len(before) + 2)
    extend(paths, extended)
    assert [event["event"] for event in read_records(paths.journal)] == whole


def test_a_resume_says_that_it_cut_a_torn_record(finished: StudyPaths, tmp_path: Path) -> None:
    paths, listener = copied(finished, tmp_path), Listener()
    with Path(str(paths.journal)).open("ab") as file:
        file.write(b'{"n":999,"event":"repor')
    drive(paths, RunOptions(display=listener))
    assert any("23 bytes cut" in line for line in listener.said), listener.said
