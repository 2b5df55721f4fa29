"""What is recorded after a driver's death makes its session, and the attempts in it, no longer."""

from __future__ import annotations

import pytest

from study.journal.event_codec import Event
from study.journal.events import (
    AttemptStarted,
    JournalTaken,
    PointAsked,
    PointCosted,
    PointDropped,
    PointReopened,
    SessionOpened,
    SpecAdopted,
    TrialStopped,
)
from study.journal.history import History
from study.journal.signs_of_life import is_sign_of_life

A_DAY_LATER = 86_400.0


def asked(point: int, **changes: object) -> PointAsked:
    fields = {"origin": "sampler", "entry": None, "level": 0, "nominal": None, "known": True}
    return PointAsked(point=point, values={}, **{**fields, **changes})


def killed_history() -> History:
    """A study whose driver was killed ten seconds after it had begun."""
    history = History()
    opened = SessionOpened(session=1, pid=1, host="h", command="study run", provenance={}, time=0.0)
    started = AttemptStarted(
        trial=0,
        point=0,
        replicate=0,
        seed=0,
        attempt=1,
        kind="search",
        epochs=0,
        substitutions={},
        time=10.0,
    )
    for event in (opened, asked(0, time=5.0), started):
        history.apply(event)
    return history


OTHERS = [
    JournalTaken(by="process 2 on h", time=A_DAY_LATER),
    SpecAdopted(version=1, hash="", changes=[], time=A_DAY_LATER),
    PointReopened(point=0, trial=None, why="extended", time=A_DAY_LATER),
    PointCosted(point=0, nominal=1.0, time=A_DAY_LATER),
    asked(1, origin="user", time=A_DAY_LATER),
    PointDropped(point=0, time=A_DAY_LATER),
    TrialStopped(trial=0, epoch=0, by="user", time=A_DAY_LATER),
]


@pytest.mark.parametrize("event", OTHERS, ids=lambda event: event.event)
def test_what_others_record_lengthens_no_session_that_was_killed(event: Event) -> None:
    history = killed_history()
    history.apply(event)
    assert history.sessions[0].last_event_at == 10.0
    reopened = SessionOpened(
        session=2, pid=2, host="h", command="study resume", provenance={}, time=A_DAY_LATER
    )
    history.apply(reopened)
    assert history.trials[0].attempt.ended_at == 10.0


def test_what_a_driver_answers_shows_that_it_lives() -> None:
    assert is_sign_of_life(asked(1, origin="user", request="1.json"))
    assert is_sign_of_life(PointDropped(point=0, request="2.json"))
    assert is_sign_of_life(asked(1))
