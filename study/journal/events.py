"""The events that a study's journal holds: which kinds there are, and the fields of each.

A study is a sequence of events, and nothing else is stored about what happened in it. In the
journal an event is a JSON object: its kind under ``event``, the fields of the class below under
their own names, and the moment under ``time``. What an event means for a study's state is said in
one other place, ``study.journal.history``.

Journals outlive the program that wrote them, so the names of kinds and of fields never change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, Self, TypedDict

from study.journal.event_codec import Event, Record
from study.journal.failure import Failure
from study.journal.proposal_note import ProposalNote

EndState = Literal["COMPLETE", "PRUNED", "FAIL"]
"""The states of Optuna's in which a trial or a point has its outcome."""
Origin = Literal["first", "sampler", "grid", "user"]
"""Who proposed a point: the list ``first:`` of the study file, the sampler, a grid or the user."""
TrialKind = Literal["search", "confirm"]
SetAsideReason = Literal["share", "node-leaving", "rung"]
"""Why an attempt made way: for other studies' shares of the cluster, since its node was told to go,
or for other trials, until the pruner promotes it.
"""
PointValue = float | list[float] | None
"""A point's value: a list for several objectives, None where it has none."""


def event_of(record: Record) -> Event:
    """The event that a JSON object of the journal holds."""
    return Event.kinds[record["event"]].from_record(record)


# --- the study and its drivers ---


@dataclass(frozen=True, kw_only=True)
class StudyCreated(Event, event="created"):
    """The first event: what the first run resolved."""

    study: str
    format: int
    reproducible: bool
    concurrency: int | None
    """None where it depends on a cluster that isn't reached yet."""
    seeds: Literal["whole", "survivors"] = "survivors"
    """How seeds count. ``whole``: a point's value takes all of its seeds, of which the pruner
    judges the first alone. ``survivors``, the rule of older studies: the pruner judges each seed,
    and the value is the mean of those that it has left.
    """
    start: Literal["spread", "drawn"] = "drawn"
    """How a sampler that learns begins. ``spread``: with points spread evenly over the space.
    ``drawn``, the rule of older studies: with points that it draws at random.
    """


@dataclass(frozen=True, kw_only=True)
class SpecAdopted(Event, event="spec"):
    """A version of the study file holds from here on: the first one, or that of an extension."""

    version: int
    """Counted from 1."""
    hash: str
    """SHA-256 of the version's file."""
    changes: list[str]
    """What differs from the version before, each as a line for the user."""


@dataclass(frozen=True, kw_only=True)
class ConcurrencyResolved(Event, event="resolved"):
    """What depended on a cluster was decided when that was reached."""

    concurrency: int


@dataclass(frozen=True)
class EarlierPoint:
    """A point of an earlier study, as the sampler of a new one is told of it."""

    values: Mapping[str, Any]
    state: EndState
    value: PointValue
    reports: Mapping[int, float]
    """The first objective after each epoch of its first trial."""

    @classmethod
    def from_record(cls, record: Record) -> Self:
        # the keys of JSON objects are text
        reports = {int(epoch): value for epoch, value in record["reports"].items()}
        return cls(record["values"], record["state"], record["value"], reports)

    def to_record(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True, kw_only=True)
class WarmStarted(Event, event="warmed"):
    """The sampler was told of an earlier study's points."""

    source: str
    trials: Sequence[EarlierPoint]
    """Those of its points that lie in the search space."""
    left: int
    """How many of its points don't, and were left out."""

    @classmethod
    def from_record(cls, record: Record) -> Self:
        points = [EarlierPoint.from_record(point) for point in record["trials"]]
        return super().from_record({**record, "trials": points})

    def to_record(self) -> dict[str, Any]:
        points = [point.to_record() for point in self.trials]
        return super().to_record() | {"trials": points}


@dataclass(frozen=True, kw_only=True)
class JournalTaken(Event, event="taken"):
    """No earlier driver can write after this: so drivers take turns where there are no locks."""

    by: str


@dataclass(frozen=True, kw_only=True)
class SessionOpened(Event, event="opened"):
    """A driver took the study up."""

    session: int
    pid: int
    host: str
    command: str
    provenance: dict[str, Any]
    """The versions of the code and of its libraries, and the machine."""


@dataclass(frozen=True, kw_only=True)
class SessionClosed(Event, event="closed"):
    """A driver put the study down."""

    session: int
    reason: str
    """complete, interrupted, wall_hours, gpu_hours, spend, failures, target, halted or fault."""


@dataclass(frozen=True, kw_only=True)
class PricesSet(Event, event="priced"):
    """What an hour of the trials costs that are taken up from here on, until it is set anew."""

    prices: Mapping[str, Any]
    """Of the form of the study file's ``prices:``; empty where there are none any more."""
    cpus: float
    """How many CPUs each worker of a trial holds."""
    gpus: float
    """How many GPUs each worker of a trial holds."""


@dataclass(frozen=True, kw_only=True)
class NoticeSent(Event, event="noticed"):
    """Somebody was told of the study, and need not be told again."""

    receiver: str
    """Whom, as the study file names it: nothing of an address."""
    notice: str
    """What: ``end``, ``fault`` or ``interruption`` with a session's number, ``best`` with a
    point's.
    """


# --- points ---


@dataclass(frozen=True, kw_only=True)
class PointAsked(Event, event="asked"):
    """A point was proposed."""

    point: int
    values: Mapping[str, Any]
    """By dotted recipe path."""
    origin: Origin
    entry: int | None
    """Which one of the list ``first:`` it is; None where it comes from elsewhere."""
    level: int | None
    """The number of its arm; None where it belongs to none."""
    nominal: float | None
    """What an epoch of it costs on the virtual clock; None while nobody has asked for that."""
    known: bool
    """Whether its values lie in the search space, so that the sampler is told of it."""
    request: str = ""
    """The user's request that it answers, by its file's name; empty where none was made."""
    note: ProposalNote | None = None
    """How it came to be; None where nobody proposed it, and in older studies."""
    horizon: float | None = None
    """The moment of the virtual clock up to which all was seen when this was decided, where a
    pruner promotes trials by that clock.
    """


@dataclass(frozen=True, kw_only=True)
class PointCosted(Event, event="costed"):
    """An epoch's cost on the virtual clock was counted after the point had been asked."""

    point: int
    nominal: float


@dataclass(frozen=True, kw_only=True)
class PointEnded(Event, event="told"):
    """A point has its outcome, of which the sampler is told."""

    point: int
    state: EndState
    value: PointValue


@dataclass(frozen=True, kw_only=True)
class PointReopened(Event, event="reopened"):
    """An outcome was taken back: more is to be trained."""

    point: int
    trial: int | None
    """The trial that runs again; None where the point gets further seeds."""
    why: Literal["retry", "extended"]


@dataclass(frozen=True, kw_only=True)
class PointDropped(Event, event="dropped"):
    """The user wants a point out of tables, rankings and what the sampler learns from here on."""

    point: int
    request: str = ""
    """The user's request that it answers, by its file's name; empty where none was made."""


# --- trials and their attempts ---


@dataclass(frozen=True, kw_only=True)
class AttemptStarted(Event, event="started"):
    """A trial was handed out to a worker: for the first time, or once more."""

    trial: int
    point: int
    replicate: int
    seed: int
    attempt: int
    """Counted from 1."""
    kind: TrialKind
    epochs: int
    """How many epochs attempts before have reported."""
    substitutions: dict[str, Any]
    """Recipe values that a retry changed, by dotted path."""
    until: int | None = None
    """The epoch after which the trial waits to be promoted; None where it goes on to its end."""


class Placement(TypedDict):
    """Where a worker runs an attempt, as it says it: the fields of ``AttemptPlaced``."""

    host: str
    node: str
    pid: int
    device: str
    device_bytes: NotRequired[int]
    gpu: NotRequired[str]
    software: NotRequired[str]
    code: NotRequired[str]
    labels: NotRequired[Mapping[str, str]]
    held_s: NotRequired[float]
    workers: NotRequired[int]


@dataclass(frozen=True, kw_only=True)
class AttemptPlaced(Event, event="placed"):
    """A worker took the attempt up."""

    trial: int
    attempt: int
    host: str
    node: str
    """Ray's id of the node."""
    pid: int
    device: str
    device_bytes: int | None = None
    """A GPU's memory."""
    gpu: str = ""
    """Which of its node's GPUs it is, as CUDA_VISIBLE_DEVICES names it."""
    software: str = ""
    """The versions that a GPU's figures depend on: of its driver, CUDA and cuDNN."""
    code: str = ""
    """The hash of an own training's modules there."""
    labels: Mapping[str, str] | None = None
    """The labels of its node by which prices differ, where they do."""
    held_s: float = 0.0
    """For how many seconds the worker had had it, when the driver heard of that."""
    workers: int = 1
    """How many train together; the place is the first one's."""


@dataclass(frozen=True, kw_only=True)
class EpochReported(Event, event="reported"):
    """An epoch was finished."""

    trial: int
    attempt: int
    epoch: int
    """Counted from 1."""
    last: bool
    """Whether training ends with it by itself."""
    metrics: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class EpochRepeated(Event, event="repeated"):
    """An epoch was trained once more after an interruption, and came out otherwise: its row stands,
    and those after it follow from this one.
    """

    trial: int
    attempt: int
    epoch: int
    metrics: Mapping[str, Any]
    """The figures that differ, as they came out now."""


@dataclass(frozen=True, kw_only=True)
class TrialStopped(Event, event="stopped"):
    """A trial shall not go on. Epochs after ``epoch`` that it has reported don't count."""

    trial: int
    epoch: int
    by: Literal["pruner", "user"]


@dataclass(frozen=True, kw_only=True)
class TrainingFinished(Event, event="finished"):
    """Training came to its own end."""

    trial: int
    attempt: int
    stop_reason: str
    summary: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class AttemptFailed(Event, event="failed"):
    """An attempt failed."""

    trial: int
    attempt: int
    failure: Failure
    retry: bool
    """Whether the trial gets another attempt."""

    @classmethod
    def from_record(cls, record: Record) -> Self:
        failure = Failure.from_record(record["failure"])
        return super().from_record({**record, "failure": failure})

    def to_record(self) -> dict[str, Any]:
        return super().to_record() | {"failure": self.failure.to_record()}


@dataclass(frozen=True, kw_only=True)
class AttemptSetAside(Event, event="set_aside"):
    """An attempt made way with its state saved: the trial waits, and goes on from there later.

    It is no failure, and counts as no retry. One that was broken off goes on from its newest state.
    """

    trial: int
    attempt: int
    epoch: int
    """The epoch whose state was saved; the newest one that was reported where it was broken off."""
    why: SetAsideReason
    broken_off: bool = False
    """Whether its node was gone, or about to be, before the epoch in work ended."""


@dataclass(frozen=True, kw_only=True)
class TrialPromoted(Event, event="promoted"):
    """A trial that waited is among the best where it waits, and goes on."""

    trial: int
    until: int | None
    """The epoch after which it waits again; None where it goes on to its end."""
    horizon: float | None = None
    """The moment of the virtual clock up to which all was seen when this was decided."""


@dataclass(frozen=True, kw_only=True)
class TrialEnded(Event, event="ended"):
    """A trial has its outcome."""

    trial: int
    state: EndState
    epochs: int
