"""Why an attempt at a trial failed: one of nine classes and a line of text.

Seven classes are the training's own, told apart by ``study.training.runtime.failures``. A failure
of class ``node`` is a worker that was lost, one of class ``storage`` a storage that refused to be
written for too long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, get_args

FailureClass = Literal[
    "out_of_memory",
    "diverged",
    "invalid",
    "device",
    "data",
    "timeout",
    "error",
    "node",
    "storage",
]
MISTAKE = "mistake"
"""Among a failure's details: whether every trial would fail so, until the user mends something."""
FAILURE_CLASSES: tuple[FailureClass, ...] = get_args(FailureClass)


@dataclass(frozen=True)
class Failure:
    """Why an attempt failed: its class, one line of text, and figures or a traceback."""

    failure_class: FailureClass
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        return cls(record["class"], record["message"], record["details"])

    def to_record(self) -> dict[str, Any]:
        return {
            "class": self.failure_class,
            "message": self.message,
            "details": dict(self.details),
        }
