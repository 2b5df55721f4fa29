"""What the records of a study, and its users, have said: kept in plain words, as the witness has seen
it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

TRAINING_FAILURE = "hurt by the simulation"
"""What trainings fail of that fail by themselves."""
DIES_IN_PLACE = "its process has died"
"""What a trial fails of whose worker is killed after the same epoch again and again."""
Record = Mapping[str, Any]


class Broken(BaseException):
    """A promise is broken. Nothing in the project is to take this for a fault that it can mend."""


def promise(holds: object, what: str) -> None:
    """Raise Broken unless a promise holds."""
    if not holds:
        raise Broken(what)


@dataclass
class SeenTrial:
    """What the records have said of a trial."""

    number: int
    point: int
    replicate: int
    kind: str
    attempt: int = 0
    until: int | None = None
    """The epoch after which it waits to be promoted."""
    is_in_flight: bool = False
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    stopped_at: int | None = None
    is_finished: bool = False
    is_failed: bool = False
    is_at_its_end: bool = False
    """Whether its latest row is its training's last."""
    state: str = ""
    failures: list[str] = field(default_factory=list)


@dataclass
class SeenPoint:
    """What the records have said of a point."""

    number: int
    values: Mapping[str, Any]
    origin: str
    request: str
    state: str = ""
    value: Any = None
    trials: list[SeenTrial] = field(default_factory=list)
    is_dropped: bool = False


def may_fail_of(failure: Mapping[str, Any]) -> bool:
    """Whether a trial may fail of this in a simulated world."""
    message = failure["message"]
    is_outside = failure["class"] in ("node", "timeout", "storage")
    return is_outside or message == TRAINING_FAILURE or message.startswith(DIES_IN_PLACE)


def summary(record: Record) -> str:
    """A record in one line."""
    left_out = ("event", "time", "provenance", "metrics", "command", "summary", "values")
    parts = [f"{name}={value}" for name, value in record.items() if name not in left_out]
    return " ".join([record["event"], *parts])
