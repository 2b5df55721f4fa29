"""A journal's records add up to a state, or the one that doesn't is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.errors import JournalDamaged, UserError
from study.files.local_storage import LocalPath
from study.journal.history import FORMAT
from study.journal.journal import Journal
from study.journal.replay import history_of, read_history

CREATED: dict[str, Any] = {
    "event": "created",
    "study": "tiny",
    "format": FORMAT,
    "reproducible": True,
    "concurrency": 1,
    "time": 1.0,
}


@pytest.fixture
def path(tmp_path: Path) -> LocalPath:
    return LocalPath(tmp_path) / "journal" / "events.jsonl"


def test_a_history_knows_how_long_its_journal_was(path: LocalPath) -> None:
    assert read_history(path).journal_bytes == 0
    journal = Journal.create(path)
    journal.append(CREATED)
    assert read_history(path).study == "tiny"
    assert read_history(path).journal_bytes == journal.size_bytes
    journal.close()


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"event": "applauded", "time": 2.0}, "KeyError: 'applauded'"),
        ({"event": ["told"], "time": 2.0}, "TypeError"),
        ({"event": "told", "time": 2.0, "point": 0}, "told without state, value"),
        ({"event": "taken", "by": "x"}, "taken without time"),
        ({"event": "told", "time": 2.0, "point": 7, "state": "FAIL", "value": None}, "IndexError"),
        ({"event": "\x1b[2J", "time": 2.0}, r"KeyError"),
    ],
)
def test_a_record_without_a_meaning_is_named(
    path: LocalPath, record: dict[str, Any], reason: str
) -> None:
    with pytest.raises(JournalDamaged, match=reason) as caught:
        history_of([CREATED, record], path)
    assert f"{path}: record 1 (line 2)" in str(caught.value)
    assert str(caught.value).isprintable()


def test_a_newer_program_s_journal_says_so(path: LocalPath) -> None:
    with pytest.raises(UserError, match="a newer ray-study") as caught:
        history_of([CREATED | {"format": FORMAT + 1, "flavor": "new"}], path)
    assert str(path) in str(caught.value)
