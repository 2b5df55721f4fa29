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

    def check(self) -> None:
        """Whether the tables show what the journal held that they say they were made from.

        Those that were not written together are not believed, whatever they show; and of records
        that nobody has confirmed yet, or that are lost, nothing is known.
        """
        points = _found(self.content_of("points"), "point", "value", _of_point)
        trials = _found(self.content_of("trials"), "trial", "epochs", _of_trial)
        if points is None or trials is None or points.made_from_bytes != trials.made_from_bytes:
            return
        count = self.records_within(points.made_from_bytes)
        if count > len(self._changes):
            return
        expected: dict[str, Shown] = {"points": {}, "trials": {}}
        for changes in self._changes[:count]:
            for change in changes:
                expected[change.table][change.number] = change.row
        for name, found in (("points", points), ("trials", trials)):
            promise(
                found.rows == expected[name],
                f"the table of {name} shows {found.rows}, and the {count} records that it says it"
                f" was made from {expected[name]}",
            )


def _of_point(state: str, value: Any) -> tuple[Any, ...]:
    """What is to be shown of a point: nothing is promised of one that has not ended."""
    return (state, value) if state in ENDED else ("", None)


def _of_trial(state: str, epochs: int) -> tuple[Any, ...]:
    return (state if state in ENDED else "", epochs)


def _found(
    content: bytes | None, kind: str, figure: str, shown: Callable[..., tuple[Any, ...]]
) -> FoundTable | None:
    """What a table's file says; None where there is none, or somebody has broken it."""
    if content is None:
        return None
    try:
        with pq.ParquetFile(pa.BufferReader(content)) as file:
            made_from = int(file.metadata.metadata[JOURNAL_BYTES])
            table = file.read(columns=[kind, "state", figure], use_threads=False)
    except pa.ArrowInvalid:
        return None
    columns = zip(*(table[name].to_pylist() for name in (kind, "state", figure)), strict=True)
    return FoundTable(made_from, {number: shown(state, what) for number, state, what in columns})
