"""What happened in a study: the journal's events, and the history that they add up to.

A study is a sequence of events, each a plain mapping with its kind under ``event``; nothing else is
stored about what happened. ``History.apply`` is the one place where an event gets its meaning: the
driver applies what it has just made durable, a resume applies what it reads back, and the analysis
reads the same history.

======== ==============================================================================================
event    fields beside ``event`` and ``time`` (seconds since 1970)
======== ==============================================================================================
created  study, format, reproducible, concurrency: what the first run resolved; seeds (whole | survivors): whether a
         point's value takes all of its seeds, of which the pruner judges the first alone, or the mean of those that
         the pruner, which judged each, has left (survivors, where the field is absent)
spec     version (from 1), hash (SHA-256 of its file), changes: one for the first study file, one for each extension
resolved concurrency: what depended on a cluster that was reached only later
warmed   source, trials (values, state, value, reports of each that lies in the space), left (how many don't)
taken    by: where there are no locks, the record after which no earlier driver can write
opened   session, pid, host, command, provenance (versions, hardware): a driver took the study up
closed   session, reason: complete | interrupted | wall_hours | gpu_hours | failures | target | halted | fault
asked    point, values, origin (first | sampler | grid | user), entry (of ``first:``), level, nominal, known
         (values that lie in the space: the sampler is told of them)
costed   point, nominal: what an epoch costs on the virtual clock, where it wasn't known yet when the point was asked
started  trial, point, replicate, seed, attempt (from 1), kind (search | confirm), epochs (already reported),
         substitutions (recipe paths that a retry changed)
placed   trial, attempt, host, node, pid, device, device_bytes (a GPU's memory; may be absent): the worker that took
         the attempt up
reported trial, attempt, epoch (from 1), last (training ends with it), metrics
stopped  trial, epoch, by (pruner | user): rows after ``epoch`` don't count
finished trial, attempt, stop_reason, summary: the training came to its own end
failed   trial, attempt, failure (class, message, details), retry
ended    trial, state (COMPLETE | PRUNED | FAIL), epochs
told     point, state (COMPLETE | PRUNED | FAIL), value (a number, a list of them for several objectives, or null)
reopened point, trial (null: more replicates are wanted), why (retry | extended): an end is taken back
======== ==============================================================================================
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

FORMAT = 1
WHOLE = "whole"
STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")
ENDED_STATES = ("COMPLETE", "PRUNED", "FAIL")
FAILURE_CLASSES = (
    "out_of_memory",
    "diverged",
    "invalid",
    "device",
    "data",
    "timeout",
    "error",
    "node",
    "storage",
)

Event = Mapping[str, Any]


@dataclass
class Attempt:
    """One try at a trial; a trial that was interrupted or failed has several."""

    number: int
    started: float
    epochs_before: int
    ended: float | None = None
    host: str = ""
    node: str = ""
    pid: int | None = None
    device: str = ""
    device_bytes: int | None = None
    failure: dict[str, Any] | None = None
    substitutions: dict[str, Any] = field(default_factory=dict)


@dataclass
class Trial:
    """One training of a point with one seed. ``rows[e - 1]`` is epoch ``e``'s metrics, rows after a
    stop cut.
    """

    number: int
    point: int
    replicate: int
    seed: int
    kind: str
    state: str = "RUNNING"
    attempts: list[Attempt] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    last_epoch: int | None = None
    """The epoch with which training came to its own end."""
    stopped_at: int | None = None
    stopped_by: str = ""
    over: str = ""
    """``finished`` or ``failed`` once training has come to its end, though the outcome may not be
    settled yet.
    """
    reopened_at: int = 0
    """How many attempts there were when it was last taken up again: their failures no longer count.
    """
    stop_reason: str = ""
    summary: dict[str, Any] = field(default_factory=dict)
    failure: dict[str, Any] | None = None
    ended: float | None = None

    @property
    def attempt(self) -> Attempt:
        return self.attempts[-1]

    @property
    def epochs(self) -> int:
        return len(self.rows)

    @property
    def in_flight(self) -> bool:
        """Whether an attempt holds a worker, as far as the journal knows."""
        return self.state == "RUNNING" and self.attempt.ended is None

    @property
    def substitutions(self) -> dict[str, Any]:
        """Recipe values that retries changed, by dotted path."""
        return self.attempt.substitutions


@dataclass
class Point:
    """One set of proposed values and its trials by replicate number."""

    number: int
    values: dict[str, Any]
    origin: str
    entry: int | None
    level: int | None
    nominal: float | None
    known: bool
    asked: float
    state: str = "WAITING"
    value: Any = None
    seeds: tuple[int, ...] = ()
    """The replicates of the search that its value is the mean of."""
    trials: dict[int, Trial] = field(default_factory=dict)


@dataclass
class DriverSession:
    """One driver's time with the study."""

    number: int
    opened: float
    pid: int
    host: str
    command: str
    provenance: dict[str, Any]
    closed: float | None = None
    last: float = 0.0
    reason: str = ""


@dataclass
class _SpecVersion:
    version: int
    hash: str
    changes: list[str]
    time: float


class History:
    """The state that events add up to. ``points[n]`` is point ``n``, ``trials[t]`` trial ``t``."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self.study = ""
        self.format = FORMAT
        self.reproducible: bool | None = None
        self.concurrency: int | None = None
        self.whole_seeds = False
        """Whether a point has a value only with all of its seeds, and the pruner judges the first
        one alone.
        """
        self.created: float | None = None
        self.specs: list[_SpecVersion] = []
        self.warmed: list[tuple[str, int, int]] = []
        """Earlier studies that this one started from: name, points taken, points left out."""
        self.sessions: list[DriverSession] = []
        self.points: list[Point] = []
        self.added = 0
        """How many of the points a user added by hand."""
        self.trials: list[Trial] = []
        self.trial_endings: list[int] = []
        """The trials in the order in which they ended, again where they did so again: there is
        something to tidy up.
        """
        self.point_endings: list[int] = []
        """The points in the order in which their outcomes were told."""
        for event in events:
            self.apply(event)

    @property
    def ended(self) -> int:
        """How many trials have their outcome."""
        return sum(trial.ended is not None for trial in self.trials)

    def apply(self, event: Event) -> None:
        """Give one event its meaning."""
        getattr(self, f"_{event['event']}")(event)
        if self.sessions:
            self.sessions[-1].last = event["time"]

    def _created(self, event: Event) -> None:
        self.study = event["study"]
        self.format = event["format"]
        self.reproducible = event["reproducible"]
        self.concurrency = event["concurrency"]
        self.whole_seeds = event.get("seeds") == WHOLE
        self.created = event["time"]

    def _taken(self, event: Event) -> None:
        pass

    def _resolved(self, event: Event) -> None:
        self.concurrency = event["concurrency"]

    def _spec(self, event: Event) -> None:
        self.specs.append(
            _SpecVersion(event["version"], event["hash"], event["changes"], event["time"])
        )

    def _warmed(self, event: Event) -> None:
        self.warmed.append((event["source"], len(event["trials"]), event["left"]))

    def _opened(self, event: Event) -> None:
        self._release(event["time"])
        self.sessions.append(
            DriverSession(
                event["session"],
                event["time"],
                event["pid"],
                event["host"],
                event["command"],
                event["provenance"],
            )
        )

    def _closed(self, event: Event) -> None:
        self._release(event["time"])
        self.sessions[-1].closed = event["time"]
        self.sessions[-1].reason = event["reason"]

    def _release(self, time: float) -> None:
        """No attempt outlives its driver: what was in flight when the last one went ended by its
        last sign of life.
        """
        last = self.sessions[-1].last if self.sessions else time
        for trial in self.trials:
            if trial.in_flight:
                trial.attempt.ended = last

    def _asked(self, event: Event) -> None:
        self.points.append(
            Point(
                event["point"],
                dict(event["values"]),
                event["origin"],
                event["entry"],
                event["level"],
                event["nominal"],
                event["known"],
                event["time"],
            )
        )

        self.added += event["origin"] == "user"

    def _costed(self, event: Event) -> None:
        self.points[event["point"]].nominal = event["nominal"]

    def _started(self, event: Event) -> None:
        number = event["trial"]
        if number == len(self.trials):
            trial = Trial(number, event["point"], event["replicate"], event["seed"], event["kind"])
            self.trials.append(trial)
            self.points[trial.point].trials[trial.replicate] = trial
        trial = self.trials[number]
        trial.state = "RUNNING"
        trial.attempts.append(
            Attempt(
                event["attempt"],
                event["time"],
                event["epochs"],
                substitutions=dict(event["substitutions"]),
            )
        )
        point = self.points[trial.point]
        if point.state == "WAITING":
            point.state = "RUNNING"

    def _placed(self, event: Event) -> None:
        attempt = self.trials[event["trial"]].attempt
        attempt.host, attempt.node = event["host"], event["node"]
        attempt.pid, attempt.device = event["pid"], event["device"]
        attempt.device_bytes = event.get("device_bytes")

    def _reported(self, event: Event) -> None:
        row = {
            "epoch": event["epoch"],
            "attempt": event["attempt"],
            "time": event["time"],
            **event["metrics"],
        }
        trial = self.trials[event["trial"]]
        trial.rows.append(row)
        trial.last_epoch = event["epoch"] if event["last"] else None

    def _stopped(self, event: Event) -> None:
        trial = self.trials[event["trial"]]
        trial.stopped_at, trial.stopped_by = event["epoch"], event["by"]
        del trial.rows[event["epoch"] :]

    def _finished(self, event: Event) -> None:
        trial = self.trials[event["trial"]]
        trial.over = "finished"
        trial.stop_reason, trial.summary = event["stop_reason"], dict(event["summary"])
        trial.attempt.ended = event["time"]

    def _failed(self, event: Event) -> None:
        trial = self.trials[event["trial"]]
        trial.attempt.failure = dict(event["failure"])
        trial.attempt.ended = event["time"]
        trial.over = "" if event["retry"] else "failed"

    def _ended(self, event: Event) -> None:
        trial = self.trials[event["trial"]]
        trial.state, trial.ended = event["state"], event["time"]
        self.trial_endings.append(trial.number)
        trial.attempt.ended = trial.attempt.ended or event["time"]
        trial.failure = trial.attempt.failure if trial.state == "FAIL" else None

    def _told(self, event: Event) -> None:
        point = self.points[event["point"]]
        point.state, point.value = event["state"], event["value"]
        point.seeds = _counted(point)
        self.point_endings.append(point.number)

    def _reopened(self, event: Event) -> None:
        point = self.points[event["point"]]
        trial = None if event["trial"] is None else self.trials[event["trial"]]
        if trial is None or self.touches_its_point(trial):
            point.state = "RUNNING"  # with more seeds to come its value of before stands
        if trial is not None:
            if self.touches_its_point(trial):
                point.value, point.seeds = None, ()
            trial.state, trial.failure, trial.ended, trial.over = "WAITING", None, None, ""
            trial.stopped_at, trial.stopped_by, trial.last_epoch = None, "", None
            trial.reopened_at = len(trial.attempts)

    def touches_its_point(self, trial: Trial) -> bool:
        """Whether the point's outcome falls with a trial's: a fresh seed's has no part in it, as it
        once had.
        """
        return trial.kind == "search" or not self.whole_seeds


def _counted(point: Point) -> tuple[int, ...]:
    """The replicates of the search that the value of a point which has just been told is the mean
    of.
    """
    if point.value is None:
        return ()
    trials = (
        trial
        for trial in point.trials.values()
        if trial.kind == "search" and trial.state == "COMPLETE"
    )
    return tuple(sorted(trial.replicate for trial in trials))
