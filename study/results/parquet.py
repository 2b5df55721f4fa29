"""The tables in Parquet: ``results/`` is derived from the journal, whole or absent file by file,
and can be rebuilt at any time.

Epochs lie in parts of PART_TRIALS trials each. A part is written again only if its trials have
changed, so writing while a study runs costs the parts that moved. Each file says how long the
journal was that it was made from, and none is replaced by one of a shorter journal: a driver that
stood still, and was superseded meanwhile, changes nothing. ``trials.parquet`` is written last and
names the parts that belong to it.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from study.files.layout import JOURNAL_BYTES_KEY, StudyPaths
from study.files.storage import StoragePath
from study.journal.history import History
from study.journal.journal import journal_bytes
from study.journal.replay import read_history
from study.journal.trials import Trial
from study.results.figures import Figures
from study.results.schema import columns_fingerprint
from study.results.tabulate import Tables, epochs_table, tabulate

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

PART_TRIALS = 100
_FEWEST_BYTES_OF_A_ROW = 40
"""A row has a record of its own in the journal, which takes more."""
_MOST_UNPACKED_BYTES = 64 << 20
_MOST_GROWTH = 100
"""Tables are at most so many times as large in memory as their journal, beside a few megabytes."""
_FEWEST_ROWS_TO_PACK = 100
"""Of fewer rows most of a file says what its columns are. Packing would take half of the time, and
dictionaries and statistics of the columns a quarter of what is left (measured with 10 rows).
"""
_FEWEST_ROWS_FOR_THREADS = 10_000
"""Of fewer rows most of the time goes into handing two hundred columns to threads."""
_PARTS = "part-*.parquet"
_FINGERPRINT_KEY = b"fingerprint"
_FINGERPRINTS_KEY = b"fingerprints_of_parts"
_COLUMNS_KEY = b"columns"


def write_tables(
    paths: StudyPaths, *, history: History | None = None, spec: StudySpec | None = None
) -> bool:
    """Bring ``results/`` up to date with the journal.

    A driver may pass the history and the spec that it holds; they are read from the study's folder
    otherwise. Returns False where somebody has made fresher tables meanwhile, which stay.
    """
    from study.journal.spec_versions import recorded_spec  # which reading tables doesn't need

    history = history or read_history(paths.journal)
    spec = spec or recorded_spec(paths, history)
    paths.epochs_table.make_folder()
    # not how long the journal is by now: another driver may have written on
    writer = _Writer(paths, history.journal_bytes)
    with paths.results.exclusive(), suppress(_FresherThere):  # the driver and ``study collect``
        tables_of_one_file = (paths.points_table, paths.trials_table)
        paths.results.remove_partial_writes(*(f"{table.name}." for table in tables_of_one_file))
        paths.epochs_table.remove_partial_writes("part-")
        fingerprints = _write_epochs(writer, history, Figures.of(spec))
        tables = tabulate(history, spec, with_epochs=False)
        writer.write(paths.points_table, tables.points)
        writer.write(paths.trials_table, tables.trials, {_FINGERPRINTS_KEY: fingerprints})
        return True
    return False


def read_tables(paths: StudyPaths) -> Tables | None:
    """Read the tables; None where they are absent, of another schema, older than the journal, or
    don't belong together.
    """
    try:
        size = journal_bytes(paths.journal)
        if _read_metadata(paths.trials_table, JOURNAL_BYTES_KEY) != str(size).encode():
            return None
        parts = [_read_table(part, size) for part in paths.epochs_table.sorted_glob(_PARTS)]
        points = _read_table(paths.points_table, size)
        trials = _read_table(paths.trials_table, size)
    except (OSError, pa.ArrowInvalid):
        return None
    fingerprints = [_fingerprint_in(part) for part in parts]
    if not _belong_together(points, trials, fingerprints):
        return None
    return Tables(points, trials, pa.concat_tables(parts, promote_options="default"))


def are_whole(paths: StudyPaths) -> bool:
    """Whether ``read_tables`` would find the tables.

    All of them are read, so that damage is found, but of the epochs one part after the other: not
    all need fit into memory.
    """
    try:
        size = journal_bytes(paths.journal)
        if _read_metadata(paths.trials_table, JOURNAL_BYTES_KEY) != str(size).encode():
            return False
        fingerprints = []
        for part in paths.epochs_table.sorted_glob(_PARTS):
            fingerprints.append(_fingerprint_in(_read_table(part, size)))
        points = _read_table(paths.points_table, size)
        trials = _read_table(paths.trials_table, size)
    except (OSError, pa.ArrowInvalid):
        return False
    return _belong_together(points, trials, fingerprints)


def read_points_or_trials(
    paths: StudyPaths, name: Literal["points", "trials"], columns: frozenset[str] | None = None
) -> pa.Table | None:
    """Read one of the two tables that are a file each, or of it these columns alone, by their names
    in small letters; None where it is absent, of another schema or older than the journal.
    """
    path = paths.points_table if name == "points" else paths.trials_table
    try:
        size = journal_bytes(paths.journal)
        table = _read_table(path, size, columns)
    except (OSError, pa.ArrowInvalid):
        return None
    made_of = _metadata_of(table)
    is_of_now = made_of.get(_COLUMNS_KEY) == columns_fingerprint().encode()
    is_current = made_of.get(JOURNAL_BYTES_KEY) == str(size).encode()
    return table if is_of_now and is_current else None


def _belong_together(points: pa.Table, trials: pa.Table, fingerprints: list[bytes]) -> bool:
    """Whether tables, and parts of the epochs with these fingerprints, were written as one: a
    driver that was killed, or superseded, may have left some of its own between another's.
    """
    stamps = {_metadata_of(table).get(JOURNAL_BYTES_KEY) for table in (points, trials)}
    named = _metadata_of(trials).get(_FINGERPRINTS_KEY)
    return len(stamps) == 1 and named == b" ".join(fingerprints)


def _fingerprint_in(part: pa.Table) -> bytes:
    """The fingerprint that a part of the epochs was written with; empty where there is none."""
    return _metadata_of(part).get(_FINGERPRINT_KEY, b"")


def _metadata_of(table: pa.Table) -> dict[bytes, bytes]:
    return table.schema.metadata or {}


def part_path(paths: StudyPaths, number: int) -> StoragePath:
    """Where one part of the epochs lies."""
    return paths.epochs_table / f"part-{number:05d}.parquet"


class _FresherThere(Exception):
    """Tables are there that were made from more of the journal."""


@dataclass
class _Writer:
    """Writes tables that were made from a journal of ``made_from_bytes`` bytes."""

    paths: StudyPaths
    made_from_bytes: int

    def write(
        self, path: StoragePath, table: pa.Table, metadata: dict[bytes, bytes] | None = None
    ) -> None:
        """Replace a file, with further ``metadata``; a crash leaves the old or the new one.

        Raises _FresherThere where a fresher one is there.
        """
        stamp = {JOURNAL_BYTES_KEY: str(self.made_from_bytes).encode()}
        content = _encoded(table, {**stamp, **(metadata or {})})
        if not path.write_unless(content, self._is_fresher):
            raise _FresherThere

    def remove(self, path: StoragePath) -> None:
        """Remove a file; raises _FresherThere where it is fresher."""
        if self._is_fresher(path.read_bytes()):
            raise _FresherThere
        path.unlink()

    def _is_fresher(self, content: bytes) -> bool:
        """Whether a file was made from more of the journal, and not from records that were lost."""
        try:
            metadata = pq.read_metadata(pa.BufferReader(content)).metadata or {}
            stamp = int(metadata.get(JOURNAL_BYTES_KEY, b"0"))
        except (pa.ArrowInvalid, ValueError):
            return False
        return self.made_from_bytes < stamp <= journal_bytes(self.paths.journal)


def _write_epochs(writer: _Writer, history: History, figures: Figures) -> bytes:
    """Write the parts whose trials have changed, and drop those that no trial has.

    Returns the fingerprints of all parts, with blanks between them.
    """
    blocks = _blocks(history.trials)
    fingerprints = [_fingerprint(trials) for trials in blocks]
    for number, trials in enumerate(blocks):
        path = part_path(writer.paths, number)
        fingerprint = fingerprints[number]
        if fingerprint != _read_metadata(path, _FINGERPRINT_KEY):
            table = epochs_table(history.study, trials, figures)
            writer.write(path, table, {_FINGERPRINT_KEY: fingerprint})
    for path in writer.paths.epochs_table.sorted_glob(_PARTS)[len(blocks) :]:
        writer.remove(path)
    return b" ".join(fingerprints)


def _blocks(trials: list[Trial]) -> list[list[Trial]]:
    """The trials of each part; of a study without trials, one part of none."""
    starts = range(0, len(trials), PART_TRIALS)
    return [trials[start : start + PART_TRIALS] for start in starts] or [[]]


def _fingerprint(trials: list[Trial]) -> bytes:
    """A hash that changes whenever the trials' rows do: rows are only ever appended or cut, each
    with its own time.
    """
    state = []
    for trial in trials:
        last_time = trial.rows[-1]["time"] if trial.rows else None
        state.append((trial.number, trial.epochs, last_time))
    return hashlib.sha256(json.dumps(state).encode()).hexdigest().encode()


def _read_metadata(path: StoragePath, key: bytes) -> bytes | None:
    """A value of a Parquet file's metadata; None where the file is absent, unreadable or has other
    columns than today's.
    """
    try:
        with path.open_binary() as file:
            metadata: dict[bytes, bytes] = pq.read_metadata(file).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    if metadata.get(_COLUMNS_KEY) != columns_fingerprint().encode():
        return None
    return metadata.get(key)


def _read_table(
    path: StoragePath, journal_bytes: int, columns: frozenset[str] | None = None
) -> pa.Table:
    """Read a Parquet file that was written from a journal of ``journal_bytes`` bytes, or of it
    these columns alone, by their names in small letters.
    """
    with path.open_binary() as stream:
        file = pq.ParquetFile(stream, page_checksum_verification=True)
        metadata = file.metadata
        groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
        unpacked_bytes = sum(group.total_byte_size for group in groups)
        if (
            metadata.num_rows > journal_bytes // _FEWEST_BYTES_OF_A_ROW
            or unpacked_bytes > _MOST_UNPACKED_BYTES + _MOST_GROWTH * journal_bytes
        ):
            raise pa.ArrowInvalid(f"{path} holds more than its journal can have given")
        wanted = None
        if columns is not None:
            wanted = [name for name in file.schema_arrow.names if name.lower() in columns]
        return file.read(wanted, use_threads=metadata.num_rows >= _FEWEST_ROWS_FOR_THREADS)


def _encoded(table: pa.Table, metadata: dict[bytes, bytes]) -> bytes:
    """A table as a Parquet file with further ``metadata``."""
    schema = table.schema
    table = table.replace_schema_metadata({**schema.metadata, **metadata})
    # few texts differ, so that a dictionary pays; of figures most do
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    # no two times are alike, but they are near each other
    times = [field.name for field in schema if pa.types.is_timestamp(field.type)]
    is_worth_packing = table.num_rows >= _FEWEST_ROWS_TO_PACK
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        compression="zstd" if is_worth_packing else "none",
        compression_level=9 if is_worth_packing else None,
        use_dictionary=texts if is_worth_packing else False,
        write_statistics=is_worth_packing,
        column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
        write_page_checksum=True,
    )
    content: bytes = sink.getvalue().to_pybytes()
    return content
