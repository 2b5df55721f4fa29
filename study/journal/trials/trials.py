"""Points, their trials, and the attempts at each, as the journal's events add up to them.

A point is one set of values that was proposed. It is trained once for each seed: each such training
is a trial, and its replicate number is its seed's place among the point's. A trial that was
interrupted, or that failed and is tried again, has several attempts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from study.journal.events import EndState, Origin, PointValue, SetAsideReason, TrialKind
from study.journal.failure import Failure
from study.journal.proposal_note import ProposalNote
from study.journal.trials.epoch_rows import EpochRows
from study.spec.parts.tariff import Tariff

STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")
ENDED_STATES = ("COMPLETE", "PRUNED", "FAIL")
State = EndState | Literal["RUNNING", "WAITING"]


@dataclass
class Attempt:
    """One try at a trial, on one worker. Times are seconds since 1970."""

    number: int
    """Counted from 1."""
    started_at: float
    epochs_before: int
    """How many epochs of the trial earlier attempts had reported."""
    ended_at: float | None = None
    placed_at: float | None = None
    """When a worker took it up; until then it waited for room."""
    held_s: float = 0.0
    """For how many seconds it had it, when the driver heard of that."""
    host: str = ""
    node: str = ""
    pid: int | None = None
    device: str = ""
    device_bytes: int | None = None
    gpu: str = ""
    """Which of its node's GPUs it had; empty without one, and where that isn't recorded."""
    software: str = ""
    """The versions of its GPU's driver, CUDA and cuDNN."""
    differs_at: int | None = None
    """The first epoch that it trained once more with other figures than are recorded."""
    code: str = ""
    """The hash of an own training's modules, where it was trained."""
    failure: Failure | None = None
    set_aside: SetAsideReason | None = None
    """Why it made way, where it was set aside."""
    is_broken_off: bool = False
    """Whether it was set aside within an epoch, which another attempt does again."""
    substitutions: dict[str, Any] = field(default_factory=dict)
    """Recipe values that retries changed, by dotted path."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """The labels of its node by which prices differ."""
    workers: int = 1
    """How many processes train it together."""
    tariff: Tariff | None = None
    """What an hour of each of its workers costs; None where no prices were on record when it began.
    """

    @property
    def hourly_price(self) -> float | None:
        """What an hour of it costs on the node that it is on; None without prices."""
        return None if self.tariff is None else self.tariff.hourly(self.labels) * self.workers


@dataclass
class Trial:
    """One training of a point with one seed."""

    number: int
    point: int
    replicate: int
    seed: int
    kind: TrialKind
    state: State = "RUNNING"
    attempts: list[Attempt] = field(default_factory=list)
    rows: EpochRows = field(default_factory=EpochRows)
    """``rows[e - 1]`` holds epoch ``e``'s metrics; the rows after a stop are cut off."""
    until: int | None = None
    """The epoch after which it waits to be promoted; None where it goes on to its end."""
    promoted_at: list[int] = field(default_factory=list)
    """After how many epochs it was promoted, each time."""
    last_epoch: int | None = None
    """The epoch with which training came to its own end."""
    stopped_at: int | None = None
    """The epoch after which the trial was stopped."""
    stopped_by: str = ""
    training_end: Literal["", "finished", "failed"] = ""
    """How training has ended. The trial's outcome may still depend on decisions to come."""
    attempts_before_reopening: int = 0
    """How many attempts there were when the trial was last reopened: their failures no longer
    count.
    """
    stop_reason: str = ""
    summary: dict[str, Any] = field(default_factory=dict)
    failure: Failure | None = None
    ended_at: float | None = None

    @property
    def attempt(self) -> Attempt:
        """The latest attempt."""
        return self.attempts[-1]

    @property
    def epochs(self) -> int:
        """How many epochs are reported and count."""
        return len(self.rows)

    @property
    def has_ended(self) -> bool:
        """Whether the trial has its outcome."""
        return self.state in ENDED_STATES

    @property
    def is_in_flight(self) -> bool:
        """Whether an attempt holds a worker, as far as the journal knows."""
        return self.state == "RUNNING" and self.attempt.ended_at is None

    @property
    def waits(self) -> bool:
        """Whether it has come as far as it may go before its pruner promotes it."""
        if self.until is None or self.epochs < self.until or self.last_epoch is not None:
            return False
        return not self.has_ended and not self.training_end

    @property
    def is_idle(self) -> bool:
        """Whether the trial needs an attempt: it has no outcome, doesn't wait to be promoted, and
        nobody trains it.
        """
        is_over = self.has_ended or bool(self.training_end) or self.waits
        return not is_over and not self.is_in_flight

    @property
    def is_set_aside(self) -> bool:
        """Whether it waits with its state saved, until there is room for it again."""
        return self.is_idle and bool(self.attempts) and self.attempt.set_aside is not None

    @property
    def substitutions(self) -> dict[str, Any]:
        """Recipe values that retries changed, by dotted path."""
        return self.attempt.substitutions


@dataclass
class Point:
    """One set of proposed values, and its trials by replicate number."""

    number: int
    values: dict[str, Any]
    """By dotted recipe path."""
    origin: Origin
    entry: int | None
    """Which one of the study file's list ``first:`` it is."""
    level: int | None
    """The number of its arm."""
    epoch_cost: float | None
    """What an epoch costs on the virtual clock; None while nobody has asked for that."""
    is_in_space: bool
    """Whether the values lie in the search space, so that the sampler is told of the point."""
    asked_at: float
    note: ProposalNote | None = None
    """How it came to be proposed; None where nobody proposed it, and in older studies."""
    state: State = "WAITING"
    is_dropped: bool = False
    """Whether the user has taken it out: it counts in nothing, and has no value."""
    value: PointValue = None
    seeds: tuple[int, ...] = ()
    """The replicate numbers of the search's trials whose mean ``value`` is."""
    trials: dict[int, Trial] = field(default_factory=dict)

    @property
    def first_value(self) -> float:
        """The value by the first objective, of a point that has one."""
        value = self.value[0] if isinstance(self.value, list) else self.value
        if value is None:
            raise ValueError(f"point {self.number} has no value")
        return value

    @property
    def has_ended(self) -> bool:
        """Whether the point has its outcome."""
        return self.state in ENDED_STATES
