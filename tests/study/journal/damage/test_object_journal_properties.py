"""Whatever becomes of a journal's objects: it is opened with exactly what was appended, or refused
with the place.

The journal and everything above the store's client is the project's own. The store is obstore's, in
memory: it lists, and creates only what isn't there, as the others do. ``tests/faults`` has the same
on a real S3 server that fails.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from study.files.object_storage import ObjectPath
from study.journal.journal import Journal, read_records

from .written_journals import (
    QUICKLY,
    Append,
    WrittenJournal,
    appends,
    check_goes_on,
    opened,
    write_journal,
)

MERGE_EVERY = 3
NUMBERS = itertools.count()
FEW_APPENDS = st.lists(appends(records=3), min_size=1, max_size=2).map(
    lambda halves: [append for half in halves for append in half]
)
FOREIGN_NAMES = [
    ".keep",
    "README.txt",
    "0000000001.jsonl.bak",
    "0000000001 (1).jsonl",
    "zzz",
    "0000000000-0000000003.jsonl~",
]
CONTENT = st.binary(max_size=9) | st.just(b'{"n":0}\n')


@pytest.fixture(autouse=True, scope="module")
def store() -> Iterator[None]:
    """A store in memory, on which every third append merges those before."""
    memory = MemoryStore()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("study.files.object_storage.client", lambda root: memory)
        patch.setattr("study.journal.log.log_storage.MERGE_EVERY", MERGE_EVERY)
        patch.setattr("study.journal.journal.PAUSE_S", 0.0)
        yield


def new_path() -> ObjectPath:
    return ObjectPath("memory://lab", f"study-{next(NUMBERS)}/journal/events")


def object_journal(appended: list[Append]) -> WrittenJournal:
    return write_journal(new_path(), appended)


def objects(written: WrittenJournal, folder: str) -> list[ObjectPath]:
    """The objects of ``events`` or of ``merged``, in order."""
    return [found.path for found in (written.path.parent / folder).objects_below()]


def check_whole(written: WrittenJournal) -> None:
    """The journal is read as it was written, and goes on."""
    assert read_records(written.path) == written.events()
    check_goes_on(Journal.open(written.path), written.events())


def check_whole_or_refused(written: WrittenJournal) -> None:
    journal = opened(written.path)
    if isinstance(journal, Journal):
        assert list(journal.records()) == written.events()
        check_whole(written)


def bent(path: ObjectPath, data: st.DataObject) -> bytes:
    """An object's content with one byte changed."""
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1), "byte")] ^= data.draw(st.integers(1, 255))
    return bytes(content)


# --- objects of single appends ---


@QUICKLY
@given(FEW_APPENDS)
def test_what_was_appended_is_read_back(appended: list[Append]) -> None:
    check_whole(object_journal(appended))


@QUICKLY
@given(FEW_APPENDS, st.data())
def test_a_missing_object_is_refused_or_not_needed(
    appended: list[Append], data: st.DataObject
) -> None:
    written = object_journal(appended)
    missing = data.draw(st.sampled_from(objects(written, "events")[:-1]), "missing")
    missing.unlink()
    check_whole_or_refused(written)


@QUICKLY
@given(FEW_APPENDS, st.data())
def test_a_changed_object_is_refused_or_not_needed(
    appended: list[Append], data: st.DataObject
) -> None:
    written = object_journal(appended)
    changed = data.draw(st.sampled_from(objects(written, "events")), "changed")
    changed.write_whole(bent(changed, data))
    check_whole_or_refused(written)


@QUICKLY
@given(FEW_APPENDS, appends(records=3, fewest=2), st.data())
def test_a_shortened_object_is_refused(
    appended: list[Append], last: list[Append], data: st.DataObject
) -> None:
    written = object_journal([*appended, last[0]])
    shortened = objects(written, "events")[-1]
    lines = shortened.read_bytes().splitlines(keepends=True)
    kept = data.draw(st.integers(1, len(lines) - 1), "records kept")
    shortened.write_whole(b"".join(lines[:kept]))
    check_whole_or_refused(written)


@QUICKLY
@given(FEW_APPENDS, st.sampled_from(FOREIGN_NAMES), st.data())
def test_a_copy_of_an_object_is_never_a_history(
    appended: list[Append], name: str, data: st.DataObject
) -> None:
    written = object_journal(appended)
    doubled = data.draw(st.sampled_from(objects(written, "events")), "doubled")
    (written.path / name).write_whole(doubled.read_bytes())
    check_whole_or_refused(written)


@QUICKLY
@given(FEW_APPENDS, st.sampled_from(FOREIGN_NAMES), CONTENT)
def test_a_foreign_object_among_the_appends_is_never_a_record(
    appended: list[Append], name: str, content: bytes
) -> None:
    written = object_journal(appended)
    (written.path / name).write_whole(content)
    check_whole_or_refused(written)


@QUICKLY
@given(FEW_APPENDS, CONTENT)
def test_a_foreign_folder_among_the_appends_is_never_a_record(
    appended: list[Append], content: bytes
) -> None:
    written = object_journal(appended)
    (written.path / "copies" / "0000000001.jsonl").write_whole(content)
    check_whole_or_refused(written)


# --- merged objects: copies, which nothing hangs on as long as the appends are whole ---


@QUICKLY
@given(FEW_APPENDS, st.data())
def test_a_missing_merged_object_costs_nothing(appended: list[Append], data: st.DataObject) -> None:
    written = object_journal(appended)
    for merged in objects(written, "merged"):
        if data.draw(st.booleans(), "missing"):
            merged.unlink()
    check_whole(written)


@QUICKLY
@given(FEW_APPENDS, appends(records=2), st.data())
def test_a_changed_merged_object_costs_nothing(
    appended: list[Append], more: list[Append], data: st.DataObject
) -> None:
    written = object_journal([*appended, *more])
    for merged in objects(written, "merged")[:1]:
        merged.write_whole(bent(merged, data))
    check_whole(written)


@QUICKLY
@given(FEW_APPENDS, appends(records=2), st.data())
def test_a_merged_object_that_holds_a_record_twice_costs_nothing(
    appended: list[Append], more: list[Append], data: st.DataObject
) -> None:
    written = object_journal([*appended, *more])
    for merged in objects(written, "merged")[:1]:
        lines = merged.read_bytes().splitlines(keepends=True)
        doubled = data.draw(st.integers(0, len(lines) - 1), "doubled")
        merged.write_whole(b"".join([*lines[: doubled + 1], *lines[doubled:]]))
    check_whole(written)


@QUICKLY
@given(FEW_APPENDS, st.sampled_from(FOREIGN_NAMES), CONTENT)
def test_a_foreign_object_among_the_merged_costs_nothing(
    appended: list[Append], name: str, content: bytes
) -> None:
    written = object_journal(appended)
    (written.path.parent / "merged" / name).write_whole(content)
    check_whole(written)


# --- a store that fails while many are merged ---


@QUICKLY
@given(FEW_APPENDS, appends(records=2), st.integers(1, 3), st.booleans())
def test_merging_that_fails_leaves_the_journal_whole(
    appended: list[Append], more: list[Append], failures: int, takes_effect: bool
) -> None:
    """The store refuses a merged object a few times, or takes it and its answer is lost."""
    whole, left = ObjectPath.write_whole, iter(range(failures))

    def failing(self: ObjectPath, content: bytes | str) -> None:
        fails = self.parent.name == "merged" and next(left, None) is not None
        if takes_effect or not fails:
            whole(self, content)
        if fails:
            raise OSError(5, "503 Service Unavailable", str(self))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ObjectPath, "write_whole", failing)
        written = object_journal([*appended, *more])
    check_whole(written)


@QUICKLY
@given(FEW_APPENDS, st.sets(st.integers(0, 9)))
def test_appends_whose_answers_are_lost_are_made_once(
    appended: list[Append], lost: set[int]
) -> None:
    whole, numbers = ObjectPath.create_exclusively, itertools.count()

    def lossy(self: ObjectPath, content: bytes) -> None:
        whole(self, content)
        if next(numbers) in lost:
            raise OSError(5, "connection reset", str(self))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ObjectPath, "create_exclusively", lossy)
        written = object_journal(appended)
    check_whole(written)
