"""How an event becomes a JSON object, and comes back."""

from __future__ import annotations

import time
from dataclasses import fields

import pytest

from study.journal.event_codec import Event
from study.journal.events import AttemptPlaced, EpochReported, StudyCreated, event_of
from study.journal.history import History


def test_the_kind_comes_first_and_the_moment_last() -> None:
    event = EpochReported(trial=0, attempt=1, epoch=1, last=False, metrics={}, time=2.0)
    own = [each.name for each in fields(event) if each.name != "time"]
    assert list(event.to_record()) == ["event", *own, "time"]
    assert event.to_record()["time"] == 2.0


def test_a_field_at_its_default_is_left_out_and_may_be_absent() -> None:
    placed = AttemptPlaced(trial=0, attempt=1, host="h", node="n", pid=3, device="cpu")
    assert "device_bytes" not in placed.to_record()
    read = event_of(placed.to_record())
    assert isinstance(read, AttemptPlaced)
    assert read.device_bytes is None
    created = {"event": "created", "study": "a", "format": 1, "reproducible": True}
    older = event_of({**created, "concurrency": 2, "time": 0.0})
    assert isinstance(older, StudyCreated)
    assert older.seeds == "survivors"
    assert not History([older.to_record()]).whole_seeds


def test_fields_that_are_not_known_are_ignored() -> None:
    event = EpochReported(trial=0, attempt=1, epoch=1, last=False, metrics={"val_loss": 1.0})
    assert event_of({**event.to_record(), "flags": []}) == event


def test_an_event_is_recorded_with_the_present_moment() -> None:
    event = EpochReported(trial=0, attempt=1, epoch=1, last=False, metrics={})
    before = time.time()
    stamped = event.stamped()
    assert before - 0.001 <= stamped.time <= time.time() + 0.001
    assert event.time == 0.0
    assert stamped.to_record() == {**event.to_record(), "time": stamped.time}


def test_every_kind_has_a_class_of_its_own_that_knows_its_name() -> None:
    assert len(set(Event.kinds.values())) == len(Event.kinds) == 24
    assert all(kind.event == name for name, kind in Event.kinds.items())


def test_an_unknown_kind_is_no_event() -> None:
    with pytest.raises(KeyError, match="exploded"):
        event_of({"event": "exploded", "time": 0.0})
