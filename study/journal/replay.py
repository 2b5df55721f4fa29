"""From a journal's records to the state that they add up to, for whoever looks at a study.

Records with the right checksum can still be wrong: forged, or written by a newer program. That is
an error of one line, which names the record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields
from functools import cache

from study.errors import JournalDamaged, UserError
from study.files.layout import StudyPaths
from study.files.storage import StoragePath
from study.files.visible_text import visible
from study.journal.event_codec import Event, Record
from study.journal.events import StudyCreated, event_of
from study.journal.history import FORMAT, History
from study.journal.journal import blocks_of

_LONGEST_REASON = 200


def read_history(path: StoragePath) -> History:
    """Read a study's state from its journal, as a reader that holds no lock; that of a study
    without any event where there is no journal.
    """
    history = History()
    for block in blocks_of(path):
        add_records(history, block.records, path)
        history.journal_bytes = block.size_bytes
    return history


def check_trial(paths: StudyPaths, trial: int) -> None:
    """Raise UserError where the study has no trial of this number."""
    count = len(read_history(paths.journal).trials)
    if not 0 <= trial < count:
        raise UserError(
            f"--trial must be a number below {count}, the trials of {paths.name}; found {trial}"
        )


def history_of(records: Iterable[Record], path: StoragePath) -> History:
    """Add up the records of the journal at ``path``.

    Raises JournalDamaged where a record has no meaning, and UserError where a newer program has
    written the journal.
    """
    history = History()
    add_records(history, records, path)
    return history


def add_records(history: History, records: Iterable[Record], path: StoragePath) -> None:
    """Add to a history the records of the journal at ``path`` that follow those it knows.

    Raises what ``history_of`` raises.
    """
    for record in records:
        try:
            event = event_of(record)
            _check_fields(event)
            _check_format(event, path)
            history.apply(event)
            history.record_count += 1
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            number = history.record_count
            reason = visible(f"{type(error).__name__}: {error}")[:_LONGEST_REASON]
            raise JournalDamaged(
                f"{path}: record {number} (line {number + 1}) has no meaning here ({reason}); its"
                " checksum is right: it was changed on purpose, or another program wrote it"
            ) from error


def _check_fields(event: Event) -> None:
    required = _required_fields(event.event)
    if not event.__dict__.keys() >= required:
        missing = required - event.__dict__.keys()
        raise ValueError(f"{event.event} without {', '.join(sorted(missing))}")


@cache
def _required_fields(kind: str) -> frozenset[str]:
    """The fields that every record of a kind has; an event lacks its time only until then."""
    required = {each.name for each in fields(Event.kinds[kind]) if each.default is MISSING}
    return frozenset(required | {"time"})


def _check_format(event: Event, path: StoragePath) -> None:
    if isinstance(event, StudyCreated) and event.format > FORMAT:
        raise UserError(
            f"{path} was written by a newer ray-study: its format is {event.format}, and this one"
            f" reads {FORMAT}; install a newer ray-study"
        )
