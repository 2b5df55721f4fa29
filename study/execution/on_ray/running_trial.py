"""A trial that a worker has, or waits for, as its driver knows it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from study.controller.next_work import Assignment
from study.journal.events import SetAsideReason


@dataclass
class RunningTrial:
    """A trial of Tune's, which is one attempt of ours."""

    assignment: Assignment
    workers: int = 1
    """How many processes train it together."""
    tune_trial: Any = None
    """Known from the worker's first answer on, until the worker is killed."""
    last_heard: float = field(default_factory=lambda: time.monotonic())
    """When the worker last answered, in seconds of the monotonic clock; at first, when the trial
    was handed out.
    """
    last_iteration: int = 0
    """How many answers there were."""
    held_s: float = 0.0
    """For how many seconds the worker had had the trial, when it last answered."""
    began: float = field(default_factory=lambda: time.monotonic())
    """When the trial was handed out."""
    is_spent: bool = False
    """Whether the worker gets no other trial: its process has hung or is broken."""
    makes_way: SetAsideReason | None = None
    """Why its worker was asked to end it with its state saved, where it was."""
    has_state: bool = False
    """Whether it has left a state to go on from."""
    holds_gpu: bool = False
    """Whether a spent worker is kept, so that nobody gets its GPU."""
