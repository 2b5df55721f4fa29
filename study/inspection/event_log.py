"""What has happened to a study, as lines for a reader: its journal, tracebacks of failures, and
what a trial has printed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from study.errors import UserError
from study.files.layout import StudyPaths
from study.files.lock import lock_holder
from study.files.storage import StoragePath
from study.files.visible_text import visible
from study.inspection.format import time_text
from study.journal.event_codec import Record
from study.journal.failure import Failure
from study.journal.journal import read_records
from study.journal.replay import history_of, read_history
from study.journal.spec_versions import recorded_spec
from study.journal.trials import Trial
from study.spec.spec import StudySpec

_FOLLOW_S = 1.0
_HIDDEN_FIELDS = {"event", "time", "provenance", "metrics", "summary", "params"}
"""Fields of events that are shown otherwise, or are too long for a line."""


def check_trial(paths: StudyPaths, trial: int) -> None:
    """Raise UserError where the study has no trial of this number."""
    count = len(read_history(paths.journal).trials)
    if not 0 <= trial < count:
        raise UserError(
            f"--trial must be a number below {count}, the trials of {paths.name}; found {trial}"
        )


def log_lines(paths: StudyPaths, trial: int | None, *, so_far: bool = True) -> Iterator[str]:
    """Return a line for each event of the study or of one trial, below a failure its traceback.

    For one trial also what each attempt printed, after the attempt's events; with ``so_far`` also
    that of an attempt which may still go on.
    """
    records = read_records(paths.journal)
    history = history_of(records, paths.journal)
    spec = recorded_spec(paths, history)
    for record in records:
        if trial is not None and record.get("trial") != trial:
            continue
        if trial is not None and record["event"] == "started":
            yield from _printed_lines(paths, history.trials[trial], record["attempt"] - 1)
        yield f"{time_text(record['time'])}  {_event_text(record, spec)}"
        if record["event"] == "failed":
            failed = history.trials[record["trial"]]
            path = paths.stderr(failed.point, failed.replicate, record["attempt"])
            yield from _traceback_lines(path)
    if trial is not None:
        shown = history.trials[trial]
        if so_far or shown.has_ended:
            yield from _printed_lines(paths, shown, len(shown.attempts))


def followed_lines(paths: StudyPaths, trial: int | None) -> Iterator[str]:
    """Return the lines that there are, and those that come as long as somebody drives the study."""
    shown = 0
    while True:
        is_driven = bool(lock_holder(paths.lock))
        lines = list(log_lines(paths, trial, so_far=not is_driven))
        yield from lines[shown:]
        shown = len(lines)
        if not is_driven:
            return
        time.sleep(_FOLLOW_S)


def _traceback_lines(path: StoragePath) -> Iterator[str]:
    if not path.exists():
        return
    for line in path.read_text(errors="replace").splitlines():
        yield f"    {line}"


def _printed_lines(paths: StudyPaths, trial: Trial, attempt: int) -> Iterator[str]:
    """Return what an attempt has printed; of a line that was written over, what stayed."""
    path = paths.output(trial.point, trial.replicate, attempt)
    if attempt < 1 or not path.exists():
        return
    yield f"    printed by attempt {attempt}:"
    text = path.read_bytes().decode(errors="replace")
    for line in text.replace("\r\n", "\n").split("\n"):
        _, _, stayed = line.rstrip().rpartition("\r")
        if stayed:
            yield f"    | {visible(stayed)}"


def _event_text(record: Record, spec: StudySpec) -> str:
    """Return an event's kind and the fields that a reader looks for."""
    fields = {
        key: value
        for key, value in record.items()
        if key not in _HIDDEN_FIELDS and value not in (None, {}, "")
    }
    if record["event"] == "failed":
        fields |= _failure_fields(record)
    if record["event"] == "reported":
        for objective in spec.objectives:
            fields[objective.metric] = record["metrics"].get(objective.metric)
    texts = [f"{key} {_value_text(value)}" for key, value in fields.items()]
    return f"{record['event']}  " + "  ".join(texts)


def _failure_fields(record: Record) -> dict[str, Any]:
    """Return a failure's class and message, and its details but the traceback, which stands
    below.
    """
    failure = Failure.from_record(record["failure"])
    details = {name: value for name, value in failure.details.items() if name != "traceback"}
    return {"failure": f"{failure.failure_class}: {failure.message}", **details}


def _value_text(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
