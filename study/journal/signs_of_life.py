"""Which events tell that a driver lived when they were recorded.

After a driver was killed others may write into its study's journal: the next one, before its own
session begins, and commands that find no driver. For how long a session lasted, and an attempt in
it, none of that counts.
"""

from __future__ import annotations

from study.journal.event_codec import Event
from study.journal.events import (
    ConcurrencyResolved,
    EpochReported,
    JournalTaken,
    NoticeSent,
    PointAsked,
    PointCosted,
    PointDropped,
    PointReopened,
    SpecAdopted,
    TrialStopped,
)

_BETWEEN_SESSIONS = (
    ConcurrencyResolved,
    JournalTaken,
    NoticeSent,
    PointCosted,
    PointReopened,
    SpecAdopted,
)
"""Events of a driver that is about to begin a session, as far as they aren't rare in one."""


def is_sign_of_life(event: Event) -> bool:
    """Whether an event shows that the driver of the latest session lived."""
    match event:
        case EpochReported():  # first, as nearly all events are of this kind
            return True
        case PointAsked(origin="user") | PointDropped():
            return bool(event.request)  # a driver answers requests, a command makes none
        case TrialStopped():
            return event.by != "user"
        case _:
            return not isinstance(event, _BETWEEN_SESSIONS)
