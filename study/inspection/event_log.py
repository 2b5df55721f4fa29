"""What has happened to a study, as lines for a reader: its journal, tracebacks of failures, and
what a trial has printed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from study.files.layout import StudyPaths
from study.files.lock import lock_holder
from study.files.storage import StoragePath
from study.files.visible_text import visible
from study.inspection.format import time_text
from study.journal.event_codec import Record
from study.journal.failure import Failure
from study.journal.following import FollowedJournal
from study.journal.spec_versions import recorded_spec
from study.journal.trials import Trial
from study.spec.spec import StudySpec

_FOLLOW_S = 1.0
_HIDDEN_FIELDS = {"event", "time", "provenance", "metrics", "summary", "params"}
"""Fields of events that are shown otherwise, or are too long for a line."""


def log_lines(paths: StudyPaths, trial: int | None) -> Iterator[str]:
    """Return a line for each event of the study or of one trial, below a failure its traceback.

    For one trial also what each attempt printed, after the attempt's events; the last one may still
    go on.
    """
    log = EventLog(paths, trial)
    yield from log.lines_since()
    yield from log.last_lines()


def followed_lines(paths: StudyPaths, trial: int | None) -> Iterator[str]:
    """Return the lines that there are, and those that come as long as somebody drives the study."""
    log = EventLog(paths, trial)
    while True:
        is_driven = bool(lock_holder(paths.lock))
        yield from log.lines_since()
        if not is_driven:
            yield from log.last_lines()
            return
        time.sleep(_FOLLOW_S)


class EventLog:
    """What has happened to a study, or to one trial of it, as lines: each line once."""

    def __init__(self, paths: StudyPaths, trial: int | None = None) -> None:
        self._paths = paths
        self._trial = trial
        self._journal = FollowedJournal(paths.journal)
        self._printed = 0
        """The last attempt of the trial of which it was shown what it has printed."""

    def lines_since(self) -> Iterator[str]:
        """Return the lines of the events that have come since the last time."""
        records = self._journal.read_on()
        if not records:
            return
        spec = recorded_spec(self._paths, self._journal.history)
        for record in records:
            if self._trial in (None, record.get("trial")):
                yield from self._lines_of(record, spec)
        if self._trial is not None and self._shown.has_ended:
            yield from self._lines_printed_by(len(self._shown.attempts))

    def last_lines(self) -> Iterator[str]:
        """Return what the trial's last attempt has printed so far."""
        if self._trial is not None:
            yield from self._lines_printed_by(len(self._shown.attempts))

    @property
    def _shown(self) -> Trial:
        return self._journal.history.trials[self._trial or 0]

    def _lines_of(self, record: Record, spec: StudySpec) -> Iterator[str]:
        """Return an event's line; above it what the attempt before has printed, below it a
        failure's traceback.
        """
        if self._trial is not None and record["event"] == "started":
            yield from self._lines_printed_by(record["attempt"] - 1)
        yield event_line(record, spec)
        if record["event"] == "failed":
            failed = self._journal.history.trials[record["trial"]]
            path = self._paths.stderr(failed.point, failed.replicate, record["attempt"])
            yield from _traceback_lines(path)

    def _lines_printed_by(self, attempt: int) -> Iterator[str]:
        if attempt > self._printed:
            self._printed = attempt
            yield from _printed_lines(self._paths, self._shown, attempt)


def event_line(record: Record, spec: StudySpec) -> str:
    """Return an event as one line: its moment, its kind, and what a reader looks for."""
    return f"{time_text(record['time'])}  {_event_text(record, spec)}"


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
