"""Journals whose every append is known, to be damaged, and what may be made of them then."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st

from study.errors import JournalDamaged
from study.files.storage import StoragePath
from study.journal.journal import Journal, read_records

Append = list[dict[str, Any]]

PLACE = re.compile(r"record \d+ .*byte \d+")
"""How a message names the place of a damage."""
GOING_ON: dict[str, Any] = {"event": "told", "point": 99, "state": "FAIL", "value": None}
QUICKLY = settings(
    deadline=None,
    max_examples=60,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
)
"""The same examples each time, so that a test that shows a known fault always shows it. They are
short as they come: looking for shorter ones would take longer than all else.
"""


def events() -> st.SearchStrategy[dict[str, Any]]:
    """Records as short, and as awkward in their texts, as they come."""
    return st.fixed_dictionaries(
        {
            "event": st.just("told"),
            "point": st.integers(0, 9),
            "value": st.floats(0, 1) | st.none() | st.just(0),
            "message": st.text(st.characters(exclude_categories=["Cs"]), max_size=4)
            | st.sampled_from(["\n", '{"n":0', ',"crc":"00000000"}\n']),
        }
    )


def appends(records: int, fewest: int = 1) -> st.SearchStrategy[list[Append]]:
    """A few appends of up to ``records`` records each."""
    return st.lists(st.lists(events(), min_size=fewest, max_size=records), min_size=2, max_size=5)


@dataclass(frozen=True)
class WrittenJournal:
    """A journal that was written append by append and closed."""

    path: StoragePath
    appends: list[Append]
    ends: list[int]
    """The journal's length in bytes after each append."""

    def kept_of(self, intact_bytes: int) -> int:
        """How many appends lie whole in the first ``intact_bytes``."""
        return sum(end <= intact_bytes for end in self.ends)

    def events(self, kept: int | None = None) -> Append:
        """The records of the first ``kept`` appends, or of all."""
        return [event for append in self.appends[:kept] for event in append]


def write_journal(path: StoragePath, appended: Sequence[Append]) -> WrittenJournal:
    journal = Journal.create(path)
    ends = []
    for append in appended:
        journal.append(*append)
        ends.append(journal.size_bytes)
    journal.close()
    return WrittenJournal(path, list(appended), ends)


def opened(path: StoragePath) -> Journal | JournalDamaged:
    """The journal as its driver opens it, which finds what any reader does; or the refusal, which
    names the place.
    """
    try:
        read = read_records(path)
    except JournalDamaged as damaged:
        refusal = damaged
    else:
        journal = Journal.open(path)
        assert list(journal.records()) == read
        return journal
    assert PLACE.search(str(refusal)), refusal
    with pytest.raises(JournalDamaged):
        Journal.open(path)
    return refusal


def intact_bytes(content: bytes, damaged: bytes) -> int:
    """How many bytes at the beginning are what they were."""
    pairs = enumerate(zip(content, damaged, strict=False))
    differing = (at for at, (before, now) in pairs if before != now)
    return next(differing, min(len(content), len(damaged)))


def check_goes_on_or_refuses(written: WrittenJournal, content: bytes, damaged: bytes) -> bool:
    """Open a journal whose ``content`` has become ``damaged``; whether it went on.

    It goes on with all appends in front of the damage and with nothing else, and says so where it
    drops bytes; or it is refused with the place, and its bytes stay.
    """
    kept = written.kept_of(intact_bytes(content, damaged))
    end = written.ends[kept - 1] if kept else 0
    journal = opened(written.path)
    if isinstance(journal, JournalDamaged):
        assert written.path.read_bytes() == damaged
        return False
    assert list(journal.records()) == written.events(kept)
    assert (journal.cut is not None) == (end < len(damaged)), "cut without a word"
    check_goes_on(journal, written.events(kept))
    return True


def check_goes_on(journal: Journal, before: Append) -> None:
    """The next record stands behind those before."""
    journal.append(GOING_ON)
    journal.close()
    assert read_records(journal.path) == [*before, GOING_ON]


def known_fault(reason: str) -> pytest.MarkDecorator:
    """Mark a promise that isn't kept yet; the mark goes with the fault."""
    return pytest.mark.xfail(strict=True, reason=reason)
