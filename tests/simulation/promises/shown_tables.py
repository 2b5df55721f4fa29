"""What tables show: whatever their journal held when it was as long as they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from ..seen import Record, SeenPoint, SeenTrial, promise

JOURNAL_BYTES = b"journal_bytes"
"""By this name a table says how long the journal was that it was made from."""
ENDED = ("COMPLETE", "PRUNED", "FAIL")
Shown = dict[int, tuple[Any, ...]]
"""What is shown of each point, or trial, by its number."""


class FoundTable(NamedTuple):
    """One table's rows, and how long the journal was that it was made from."""

    made_from_bytes: int
    rows: Shown


class Change(NamedTuple):
    """What is to be shown of a point, or of a trial, once a record is there."""

    table: str
    number: int
    row: tuple[Any, ...]


class ShownTables:
    """The tables of a study's ``points`` and ``trials``."""

    def __init__(self, points: Sequence[SeenPoint], trials: Sequence[SeenTrial]) -> None:
        self.content_of: Callable[[str], bytes | None] = lambda table: None
        """Reads the file of a table past all faults; None where there is none."""
        self.records_within: Callable[[int], int] = lambda size_bytes: 0
        """Counts the records in so many bytes of the journal, past all faults."""
        self._points = points
        self._trials = trials
        self._changes: list[list[Change]] = []
        """What has changed with each record."""

    def note(self, record: Record) -> None:
        """Take down what is to be shown of whatever a record, which was taken just now, is about."""
        changes = []
        point, trial = record.get("point"), record.get("trial")
        if point is not None:
            seen = self._points[point]
            changes.append(Change("points", point, _of_point(seen.state, seen.value)))
        if trial is not None:
            run = self._trials[trial]
            changes.append(Change("trials", trial, _of_trial(run.state, len(run.rows))))
        self._changes.append(changes)

    def check(self, names: Sequence[str] = ("points", "trials")) -> None:
        """Whether tables show what the journal held that they say they were made from.

        Of records that nobody has confirmed yet, or that are lost, nothing is known.
        """
        for name in names:
            found = _found(self.content_of(name), name)
            if found is None:
                continue
            count = self.records_within(found.made_from_bytes)
            if count <= len(self._changes):
                expected = self._expected(name, count)
                promise(
                    found.rows == expected,
                    f"the table of {name} shows {found.rows}, and the {count} records that it says"
                    f" it was made from {expected}",
                )

    def _expected(self, name: str, count: int) -> Shown:
        """What a table is to show that was made from so many records."""
        rows: Shown = {}
        for changes in self._changes[:count]:
            for change in changes:
                if change.table == name:
                    rows[change.number] = change.row
        return rows


def _of_point(state: str, value: Any) -> tuple[Any, ...]:
    """What is to be shown of a point: nothing is promised of one that has not ended."""
    return (state, value) if state in ENDED else ("", None)


def _of_trial(state: str, epochs: int) -> tuple[Any, ...]:
    return (state if state in ENDED else "", epochs)


def _found(content: bytes | None, name: str) -> FoundTable | None:
    """What a table's file says; None where there is none, or somebody has broken it."""
    if content is None:
        return None
    columns, shown = COLUMNS[name]
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            made_from = int(file.metadata.metadata[JOURNAL_BYTES])
            table = file.read(columns=columns, use_threads=False)
    except pa.ArrowInvalid:
        return None
    rows = zip(*(table[column].to_pylist() for column in columns), strict=True)
    return FoundTable(made_from, {number: shown(state, figure) for number, state, figure in rows})


COLUMNS: dict[str, tuple[list[str], Callable[..., tuple[Any, ...]]]] = {
    "points": (["point", "state", "value"], _of_point),
    "trials": (["trial", "state", "epochs"], _of_trial),
}
"""What is looked at of each table, and what has to be shown of it."""
