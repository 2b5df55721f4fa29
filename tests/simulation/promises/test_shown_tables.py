"""Tables that say how much of the journal they were made from show that much of it."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ..seen import Broken, SeenPoint, SeenTrial
from .shown_tables import JOURNAL_BYTES, ShownTables

BYTES_OF_A_RECORD = 10


def file_of(records: int, **columns: list[object]) -> bytes:
    """A table's file that was made from so many records."""
    stamp = {JOURNAL_BYTES: str(records * BYTES_OF_A_RECORD).encode()}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns).replace_schema_metadata(stamp), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def trials(records: int, *, state: str, epochs: int) -> bytes:
    return file_of(records, trial=[0], state=[state], epochs=[epochs])


def points(records: int) -> bytes:
    return file_of(records, point=[0], state=["RUNNING"], value=[0.5])


@pytest.fixture
def tables() -> ShownTables:
    """Those of a study whose one trial reports two epochs and ends: five records."""
    trial = SeenTrial(0, 0, 0, "search")
    tables = ShownTables([SeenPoint(0, {}, "sampler", "")], [trial])
    tables.records_within = lambda size_bytes: size_bytes // BYTES_OF_A_RECORD
    tables.note({"event": "asked", "point": 0})
    tables.note({"event": "started", "point": 0, "trial": 0})
    for epoch in (1, 2):
        trial.rows.append({"epoch": epoch})
        tables.note({"event": "reported", "trial": 0})
    trial.state = "COMPLETE"
    tables.note({"event": "ended", "trial": 0})
    return tables


def show(tables: ShownTables, points: bytes | None, trials: bytes | None) -> None:
    tables.content_of = {"points": points, "trials": trials}.get
    tables.check()


def test_tables_show_what_the_journal_held_when_it_was_as_long_as_they_say(
    tables: ShownTables,
) -> None:
    show(tables, points(3), trials(3, state="RUNNING", epochs=1))
    show(tables, points(5), trials(5, state="COMPLETE", epochs=2))
    with pytest.raises(Broken, match=r"the table of trials shows .* and the 5 records"):
        show(tables, points(5), trials(5, state="RUNNING", epochs=2))
    with pytest.raises(Broken, match=r"the table of trials shows .* and the 3 records"):
        show(tables, points(3), trials(3, state="RUNNING", epochs=2))


def test_a_table_that_is_broken_or_not_there_promises_nothing(tables: ShownTables) -> None:
    show(tables, b"PAR1 this is no table", trials(3, state="RUNNING", epochs=1))
    show(tables, None, trials(3, state="RUNNING", epochs=1))


def test_of_records_that_nobody_has_confirmed_tables_may_show_anything(
    tables: ShownTables,
) -> None:
    show(tables, points(6), trials(6, state="FAIL", epochs=2))
