"""Events: what is written comes back, in the same bytes, and old and newer journals are read."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from study.journal.event_codec import Event
from study.journal.events import (
    AttemptFailed,
    AttemptPlaced,
    EarlierPoint,
    EpochReported,
    PointAsked,
    StudyCreated,
    TrialStopped,
    WarmStarted,
    event_of,
)
from study.journal.failure import Failure
from study.journal.history import History
from study.journal.journal import encode_line

OLD_JOURNAL = Path(__file__).parents[1] / "old_study" / "journal" / "events.jsonl"
LINES = OLD_JOURNAL.read_bytes().splitlines(keepends=True)
SOME = [
    StudyCreated(study="a", format=1, reproducible=True, concurrency=None, seeds="whole", time=1.5),
    WarmStarted(
        source="b",
        trials=[EarlierPoint({"optimizer.lr": 0.1}, "COMPLETE", 0.9, {1: 0.5, 2: 0.9})],
        left=3,
    ),
    PointAsked(
        point=0,
        values={"optimizer.lr": 0.1},
        origin="sampler",
        entry=None,
        level=0,
        nominal=None,
        known=True,
    ),
    AttemptPlaced(trial=0, attempt=1, host="h", node="n", pid=3, device="cuda", device_bytes=80),
    EpochReported(trial=0, attempt=1, epoch=1, last=False, metrics={"val_accuracy": 0.5}),
    AttemptFailed(
        trial=0, attempt=1, failure=Failure("node", "lost", {"node_alive": True}), retry=True
    ),
    TrialStopped(trial=0, epoch=1, by="pruner"),
]


@pytest.mark.parametrize("event", SOME, ids=lambda event: event.event)
def test_an_event_comes_back_from_its_json_as_it_was(event: Event) -> None:
    assert event_of(json.loads(json.dumps(event.to_record()))) == event


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_an_older_journals_events_are_written_in_the_same_bytes(line: bytes) -> None:
    record = json.loads(line)
    number = record.pop("n")
    record.pop("crc")
    assert encode_line(number, event_of(record).to_record()) == line


def test_the_kind_comes_first_and_the_moment_last() -> None:
    for event in SOME:
        names = list(event.to_record())
        own = [each.name for each in fields(event) if each.name in names and each.name != "time"]
        assert names == ["event", *own, "time"]


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
    record = SOME[-1].to_record()
    assert event_of({**record, "flags": []}) == SOME[-1]


def test_an_unknown_kind_is_no_event() -> None:
    with pytest.raises(KeyError, match="exploded"):
        event_of({"event": "exploded", "time": 0.0})


def test_a_failure_in_json_has_a_class_a_message_and_details() -> None:
    failure = Failure("out_of_memory", "full", {"requested_bytes": 7})
    record = {"class": "out_of_memory", "message": "full", "details": {"requested_bytes": 7}}
    assert failure.to_record() == record
    assert Failure.from_record(record) == failure
    assert Failure("node", "lost").to_record()["details"] == {}
