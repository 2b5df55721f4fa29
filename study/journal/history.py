"""The state of a study, as the events of its journal add up to it.

``History.apply`` is the one place where an event gets its meaning: the driver applies what it has
just made durable, a resume applies what it reads back, and the analysis reads the same history.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from study.journal.event_codec import Event, Record
from study.journal.events import (
    AttemptFailed,
    AttemptPlaced,
    AttemptSetAside,
    AttemptStarted,
    ConcurrencyResolved,
    EpochRepeated,
    EpochReported,
    JournalTaken,
    NoticeSent,
    PointAsked,
    PointCosted,
    PointDropped,
    PointEnded,
    PointReopened,
    PricesSet,
    SessionClosed,
    SessionOpened,
    SpecAdopted,
    StudyCreated,
    TrainingFinished,
    TrialEnded,
    TrialPromoted,
    TrialStopped,
    WarmStarted,
    event_of,
)
from study.journal.signs_of_life import is_sign_of_life
from study.journal.trials import Attempt, Point, Trial
from study.spec.parts.tariff import Tariff

FORMAT = 1
"""The version of the journal's format, which each journal's first event names."""


@dataclass
class DriverSession:
    """One driver's time with the study. Times are seconds since 1970."""

    number: int
    opened_at: float
    pid: int
    host: str
    command: str
    provenance: dict[str, Any]
    closed_at: float | None = None
    last_event_at: float = 0.0
    reason: str = ""
    """Why it ended; empty while it lasts, and where it was killed."""


class History:
    """The state that events add up to. ``points[n]`` is point ``n``, ``trials[t]`` trial ``t``."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.study = ""
        self.format = FORMAT
        self.reproducible: bool | None = None
        self.concurrency: int | None = None
        self.whole_seeds = False
        """Whether a point has a value only with all of its seeds, and the pruner judges the first
        one alone.
        """
        self.begins_spread = False
        """Whether the first points of a sampler that learns are spread over the space."""
        self.created_at: float | None = None
        self.specs: list[SpecAdopted] = []
        self.warm_starts: list[WarmStarted] = []
        self.sessions: list[DriverSession] = []
        self.tariff: Tariff | None = None
        """What an hour of a trial costs that is taken up now; None without prices."""
        self.notices: dict[tuple[str, str], float] = {}
        """When which notice was sent, by whom it went to and what it told."""
        self.points: list[Point] = []
        self.user_points = 0
        """How many of the points a user added by hand."""
        self.answered_requests: set[str] = set()
        """The names of requests for points that are on record."""
        self.trials: list[Trial] = []
        self.trial_endings: list[int] = []
        """The numbers of trials in the order in which they ended; one that was reopened is there
        again.
        """
        self.point_endings: list[int] = []
        """The numbers of points in the order in which they ended, likewise."""
        self.record_count = 0
        """How many records the journal has that holds these events, where they are from one."""
        self.journal_bytes = 0
        """How long the journal is that holds these events, where they were read from one."""
        for record in records:
            self.apply(event_of(record))

    def apply(self, event: Event) -> None:
        """Give one event its meaning."""
        match event:
            case EpochReported():  # first, as nearly all events are of this kind
                self._add_row(event)
            case StudyCreated():
                self._create(event)
            case SpecAdopted():
                self.specs.append(event)
            case ConcurrencyResolved():
                self.concurrency = event.concurrency
            case WarmStarted():
                self.warm_starts.append(event)
            case PricesSet():
                self._set_prices(event)
            case SessionOpened():
                self._open_session(event)
            case SessionClosed():
                self._close_session(event)
            case PointAsked():
                self._add_point(event)
            case PointCosted():
                self.points[event.point].epoch_cost = event.nominal
            case PointEnded():
                self._end_point(event)
            case PointReopened():
                self._reopen(event)
            case PointDropped():
                self._drop(event)
            case AttemptStarted():
                self._start_attempt(event)
            case AttemptPlaced():
                self._place_attempt(event)
            case EpochRepeated():
                self.trials[event.trial].attempt.differs_at = event.epoch
            case AttemptFailed():
                self._fail_attempt(event)
            case AttemptSetAside():
                self._set_attempt_aside(event)
            case TrainingFinished():
                self._finish_training(event)
            case TrialStopped():
                self._stop_trial(event)
            case TrialPromoted():
                self._promote(event)
            case TrialEnded():
                self._end_trial(event)
            case NoticeSent():
                self.notices[event.receiver, event.notice] = event.time
            case JournalTaken():
                pass  # it fences earlier drivers off, and says nothing of the study
            case _:
                raise TypeError(f"an event that has no meaning: {event!r}")
        if self.sessions and is_sign_of_life(event):
            self.sessions[-1].last_event_at = event.time

    def counts_for_its_point(self, trial: Trial) -> bool:
        """Whether a point's outcome depends on this trial: on a fresh seed's only in older
        studies.
        """
        return trial.kind == "search" or not self.whole_seeds

    # --- the study and its drivers ---

    def _create(self, event: StudyCreated) -> None:
        self.study = event.study
        self.format = event.format
        self.reproducible = event.reproducible
        self.concurrency = event.concurrency
        self.whole_seeds = event.seeds == "whole"
        self.begins_spread = event.start == "spread"
        self.created_at = event.time

    def _open_session(self, event: SessionOpened) -> None:
        self._end_attempts_in_flight(event.time)
        session = DriverSession(
            number=event.session,
            opened_at=event.time,
            pid=event.pid,
            host=event.host,
            command=event.command,
            provenance=event.provenance,
        )
        self.sessions.append(session)

    def _close_session(self, event: SessionClosed) -> None:
        self._end_attempts_in_flight(event.time)
        self.sessions[-1].closed_at = event.time
        self.sessions[-1].reason = event.reason

    def _set_prices(self, event: PricesSet) -> None:
        self.tariff = Tariff(event.prices, event.cpus, event.gpus) if event.prices else None

    def _end_attempts_in_flight(self, time: float) -> None:
        """End all attempts when their driver's session ended, which none outlives.

        A driver that was killed is taken to have lived until its last event.
        """
        last_sign_of_life = self.sessions[-1].last_event_at if self.sessions else time
        for trial in self.trials:
            if trial.is_in_flight:
                trial.attempt.ended_at = last_sign_of_life
                self._rest_where_it_waits(trial)

    # --- points ---

    def _add_point(self, event: PointAsked) -> None:
        point = Point(
            number=event.point,
            values=dict(event.values),
            origin=event.origin,
            entry=event.entry,
            level=event.level,
            epoch_cost=event.nominal,
            is_in_space=event.known,
            asked_at=event.time,
            note=event.note,
        )
        self.points.append(point)
        if event.request:
            self.answered_requests.add(event.request)
        if event.origin == "user":
            self.user_points += 1

    def _end_point(self, event: PointEnded) -> None:
        point = self.points[event.point]
        point.state = event.state
        point.value = None if point.is_dropped else event.value
        point.seeds = _seeds_in_value(point)
        self.point_endings.append(point.number)

    def _drop(self, event: PointDropped) -> None:
        """Take a point out of what counts; its trials stay on record."""
        point = self.points[event.point]
        point.is_dropped = True
        point.value = None
        point.seeds = ()
        if event.request:
            self.answered_requests.add(event.request)

    def _reopen(self, event: PointReopened) -> None:
        point = self.points[event.point]
        if event.trial is None:  # more seeds are to come: the value of before stands meanwhile
            point.state = "RUNNING"
            return
        trial = self.trials[event.trial]
        if self.counts_for_its_point(trial):
            point.state = "RUNNING"
            point.value = None
            point.seeds = ()
        trial.state = "WAITING"
        trial.failure = None
        trial.ended_at = None
        trial.training_end = ""
        trial.stopped_at = None
        trial.stopped_by = ""
        trial.last_epoch = None
        trial.attempts_before_reopening = len(trial.attempts)

    # --- trials ---

    def _start_attempt(self, event: AttemptStarted) -> None:
        if event.trial == len(self.trials):
            self._add_trial(event)
        trial = self.trials[event.trial]
        trial.state = "RUNNING"
        trial.until = event.until
        attempt = Attempt(
            number=event.attempt,
            started_at=event.time,
            epochs_before=event.epochs,
            substitutions=dict(event.substitutions),
            tariff=self.tariff,
        )
        trial.attempts.append(attempt)
        point = self.points[trial.point]
        if point.state == "WAITING":
            point.state = "RUNNING"

    def _add_trial(self, event: AttemptStarted) -> None:
        trial = Trial(event.trial, event.point, event.replicate, event.seed, event.kind)
        self.trials.append(trial)
        self.points[trial.point].trials[trial.replicate] = trial

    def _place_attempt(self, event: AttemptPlaced) -> None:
        attempt = self.trials[event.trial].attempt
        attempt.held_s = event.held_s
        attempt.placed_at = max(attempt.started_at, event.time - event.held_s)
        attempt.host = event.host
        attempt.node = event.node
        attempt.pid = event.pid
        attempt.device = event.device
        attempt.device_bytes = event.device_bytes
        attempt.gpu = event.gpu
        attempt.software = event.software
        attempt.code = event.code
        attempt.labels = event.labels or {}
        attempt.workers = event.workers

    def _add_row(self, event: EpochReported) -> None:
        row = {
            "epoch": event.epoch,
            "attempt": event.attempt,
            "time": event.time,
            **event.metrics,
        }
        trial = self.trials[event.trial]
        trial.rows.append(row)
        trial.last_epoch = event.epoch if event.last else None

    def _stop_trial(self, event: TrialStopped) -> None:
        trial = self.trials[event.trial]
        trial.stopped_at = event.epoch
        trial.stopped_by = event.by
        del trial.rows[event.epoch :]

    def _finish_training(self, event: TrainingFinished) -> None:
        trial = self.trials[event.trial]
        trial.training_end = "finished"
        trial.stop_reason = event.stop_reason
        trial.summary = dict(event.summary)
        trial.attempt.ended_at = event.time

    def _fail_attempt(self, event: AttemptFailed) -> None:
        trial = self.trials[event.trial]
        trial.training_end = "" if event.retry else "failed"
        trial.attempt.failure = event.failure
        trial.attempt.ended_at = event.time
        self._rest_where_it_waits(trial)

    def _set_attempt_aside(self, event: AttemptSetAside) -> None:
        trial = self.trials[event.trial]
        trial.attempt.set_aside = event.why
        trial.attempt.is_broken_off = event.broken_off
        trial.attempt.ended_at = event.time
        self._rest_where_it_waits(trial)

    def _rest_where_it_waits(self, trial: Trial) -> None:
        """Have a trial that nobody trains be WAITING, and its point, where its pruner has it wait;
        whether its attempt has ended as it should makes no difference.
        """
        if trial.waits:
            trial.state = "WAITING"
            self.points[trial.point].state = "WAITING"

    def _promote(self, event: TrialPromoted) -> None:
        trial = self.trials[event.trial]
        trial.until = event.until
        trial.promoted_at.append(trial.epochs)

    def _end_trial(self, event: TrialEnded) -> None:
        trial = self.trials[event.trial]
        trial.state = event.state
        trial.ended_at = event.time
        if not trial.attempt.ended_at:
            trial.attempt.ended_at = event.time
        trial.failure = trial.attempt.failure if event.state == "FAIL" else None
        self.trial_endings.append(trial.number)


def _seeds_in_value(point: Point) -> tuple[int, ...]:
    """The replicate numbers of the trials whose mean a point's value is, as it ends."""
    if point.value is None:
        return ()
    seeds = [
        trial.replicate
        for trial in point.trials.values()
        if trial.kind == "search" and trial.state == "COMPLETE"
    ]
    return tuple(sorted(seeds))
