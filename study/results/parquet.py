"""From the journal to Parquet: ``results/`` is derived, whole or absent file by file, and can be
rebuilt at any time.

Epochs lie in parts of PART_TRIALS trials each. A part is written again only if its trials have
changed, so collecting while a study runs costs the parts that moved; ``trials.parquet`` is written
last and says up to which byte of the journal the tables go.
"""

from __future__ import annotations

import hashlib
import json

import pyarrow as pa
import pyarrow.parquet as pq

from study.files.layout import JOURNAL_BYTES_KEY, StudyPaths
from study.files.storage import StoragePath
from study.journal.history import History
from study.journal.journal import journal_bytes, read_events
from study.journal.trials import Trial
from study.results.schema import columns_fingerprint
from study.results.tabulate import Tables, epochs_table, tabulate
from study.spec.load import load_spec
from study.spec.spec import StudySpec

PART_TRIALS = 100
_FINGERPRINT = b"fingerprint"


def collect(
    paths: StudyPaths, *, history: History | None = None, spec: StudySpec | None = None
) -> None:
    """Bring ``results/`` up to date. A driver may hand over the history it holds; it is read back
    otherwise.
    """
    size = journal_bytes(paths.journal)
    history = history or History(read_events(paths.journal))
    spec = spec or load_spec(paths.spec)
    paths.epochs_table.make_folder()
    with paths.results.exclusive():  # the driver and ``study collect`` may meet
        _write_epochs(paths, history)
        tables = tabulate(history, spec, with_epochs=False)
        _write_table(paths.points_table, tables.points)
        stamp = {JOURNAL_BYTES_KEY: str(size).encode()}
        _write_table(paths.trials_table, _stamped(tables.trials, stamp))


def _write_epochs(paths: StudyPaths, history: History) -> None:
    """Write the parts whose trials have changed, and drop those that no trial has."""
    blocks = [
        history.trials[i : i + PART_TRIALS] for i in range(0, len(history.trials), PART_TRIALS)
    ] or [[]]
    for number, trials in enumerate(blocks):
        part = part_path(paths, number)
        mark = _fingerprint(trials)
        if mark != _read_stamp(part, _FINGERPRINT):
            _write_table(part, _stamped(epochs_table(history.study, trials), {_FINGERPRINT: mark}))
    for part in paths.epochs_table.sorted_glob("part-*.parquet")[len(blocks) :]:
        part.unlink()


def part_path(paths: StudyPaths, number: int) -> StoragePath:
    return paths.epochs_table / f"part-{number:05d}.parquet"


def _fingerprint(trials: list[Trial]) -> bytes:
    """Changes whenever the trials' rows do: rows are only ever appended or cut, each with its own
    time.
    """
    state = [
        (trial.number, trial.epochs, trial.rows[-1]["time"] if trial.rows else None)
        for trial in trials
    ]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest().encode()


def read_tables(paths: StudyPaths) -> Tables | None:
    """The tables from Parquet; None where they are absent, of another schema or older than the
    journal.
    """
    try:
        size = str(journal_bytes(paths.journal)).encode()
        if _read_stamp(paths.trials_table, JOURNAL_BYTES_KEY) != size:
            return None
        parts = [_read_table(part) for part in paths.epochs_table.sorted_glob("part-*.parquet")]
        points, trials = _read_table(paths.points_table), _read_table(paths.trials_table)
    except (OSError, pa.ArrowInvalid):
        return None
    return Tables(points, trials, pa.concat_tables(parts, promote_options="default"))


def _read_stamp(path: StoragePath, key: bytes) -> bytes | None:
    """A value from a Parquet file's metadata; None where the file is absent, unreadable or has
    other columns.
    """
    try:
        metadata = _schema_of(path).metadata or {}
    except (OSError, pa.ArrowInvalid):
        return None
    current = metadata.get(b"columns") == columns_fingerprint().encode()
    return metadata.get(key) if current else None


def _schema_of(path: StoragePath) -> pa.Schema:
    """A Parquet file's schema: from its end alone where it lies on a disk."""
    with path.open_binary() as file:
        return pq.read_schema(file)


def _stamped(table: pa.Table, stamp: dict[bytes, bytes]) -> pa.Table:
    return table.replace_schema_metadata({**table.schema.metadata, **stamp})


def _write_table(path: StoragePath, table: pa.Table) -> None:
    """Replace a Parquet file; a crash leaves either the old one or the new one."""
    sink = pa.BufferOutputStream()
    texts = [
        field.name for field in table.schema if pa.types.is_string(field.type)
    ]  # few differ; of figures, most do
    times = [
        field.name for field in table.schema if pa.types.is_timestamp(field.type)
    ]  # no two alike, but near
    pq.write_table(
        table,
        sink,
        compression="zstd",
        compression_level=9,
        use_dictionary=texts,
        column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),
    )
    path.write_whole(sink.getvalue().to_pybytes())


def _read_table(path: StoragePath) -> pa.Table:
    return pq.read_table(pa.BufferReader(path.read_bytes()))
