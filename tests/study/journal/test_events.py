"""Events: what is written comes back, in the same bytes, and old and newer journals are read."""

from __future__ import annotations

import json
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
from study.journal.log.record_lines import encode_line

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
