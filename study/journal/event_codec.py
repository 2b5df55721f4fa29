"""How an event becomes a JSON object of the journal, and comes back.

Journals outlive the program that wrote them. So a field that has a default may be absent there, and
fields that are not known here are ignored.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, ClassVar, Self

Record = Mapping[str, Any]
"""An event as the journal's JSON has it."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a study. Each kind is a class of its own, in
    ``study.journal.events``.
    """

    event: ClassVar[str]
    """The kind's name in JSON."""
    kinds: ClassVar[dict[str, type[Event]]] = {}
    """Every kind by that name."""
    time: float = 0.0
    """Seconds since 1970, given to the event when it is recorded."""

    def __init_subclass__(cls, event: str) -> None:
        cls.event = event
        Event.kinds[event] = cls

    def stamped(self) -> Self:
        """The event with the present moment, as it is recorded."""
        return replace(self, time=round(time.time(), 3))

    @classmethod
    def from_record(cls, record: Record) -> Self:
        """Read an event of this kind back."""
        # A study can have half a million of them. Setting field by field, as the constructor of a
        # frozen dataclass does, would take longer than giving the event its meaning. So what was
        # read is the event's attributes as it is; neither changes afterwards.
        event = object.__new__(cls)
        object.__setattr__(event, "__dict__", record)
        return event

    def to_record(self) -> dict[str, Any]:
        """The event as the journal's JSON has it; fields at their default are left out."""
        record: dict[str, Any] = {"event": self.event}
        own_fields = [each for each in fields(self) if each.name != "time"]
        for each in own_fields:
            value = getattr(self, each.name)
            if each.default is MISSING or value != each.default:
                record[each.name] = value
        record["time"] = self.time
        return record
