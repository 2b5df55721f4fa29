"""What a mirror shows of a study: its points, and below each its trials, from the journal alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from study.errors import SpecError
from study.execution.user.trust import first_record_of
from study.files.layout import StudyPaths
from study.files.storage import StoragePath
from study.journal.event_codec import Record
from study.journal.history import History
from study.journal.trials import ENDED_STATES, Trial
from study.results.bill import trial_money
from study.spec.spec import StudySpec

_NO_METRICS = ("epoch", "attempt", "time")
_MOST_ARTIFACTS = 200
"""Of one trial: more are left to `study export`."""


@dataclass(frozen=True)
class MirroredEpoch:
    """An epoch of a trial, with its figures."""

    epoch: int
    time: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class MirroredTrial:
    """A trial as it stands."""

    number: int
    point: int
    replicate: int
    kind: str
    state: str
    started: float
    ended: float | None
    settings: Mapping[str, Any]
    """Every value of its recipe or config by its path, and its seed."""
    figures: Mapping[str, float]
    """What was measured at its end, and what it has cost."""
    tags: Mapping[str, str]
    epochs: tuple[MirroredEpoch, ...]
    artifacts: tuple[StoragePath, ...]

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED_STATES

    @property
    def stamp(self) -> str:
        """Return by what is told that the trial as it was mirrored is what it is now."""
        return f"{self.state} {len(self.epochs)} {self.ended}"


@dataclass(frozen=True)
class MirroredPoint:
    """A point as it stands, and its trials."""

    number: int
    state: str
    value: float | None
    asked: float
    settings: Mapping[str, Any]
    trials: tuple[MirroredTrial, ...]


@dataclass(frozen=True)
class Story:
    """A study as it stands."""

    name: str
    identity: str
    """By which it is told from another study of that name."""
    question: str
    objective: str
    points: tuple[MirroredPoint, ...]

    @property
    def trials(self) -> Iterator[MirroredTrial]:
        for point in self.points:
            yield from point.trials


def story_of(paths: StudyPaths, history: History, spec: StudySpec, first: Record) -> Story:
    """Return what a mirror shows; ``first`` is the journal's first record."""
    points = []
    for point in history.points:
        trials = [
            _trial_of(paths, history, spec, trial) for _, trial in sorted(point.trials.items())
        ]
        points.append(
            MirroredPoint(
                number=point.number,
                state=point.state,
                value=point.first_value if point.value is not None else None,
                asked=point.asked_at,
                settings=dict(point.values),
                trials=tuple(trials),
            )
        )
    return Story(
        name=paths.name,
        identity=hashlib.sha256(first_record_of([first])).hexdigest()[:16],
        question=spec.question,
        objective=spec.objectives[0].metric,
        points=tuple(points),
    )


def _trial_of(paths: StudyPaths, history: History, spec: StudySpec, trial: Trial) -> MirroredTrial:
    point = history.points[trial.point]
    tags = {"state": trial.state, "kind": trial.kind, "stop_reason": trial.stop_reason}
    tags |= {"stopped_by": trial.stopped_by, "device": trial.attempt.device}
    if trial.failure is not None:
        tags |= {"failure": trial.failure.failure_class, "message": trial.failure.message}
    return MirroredTrial(
        number=trial.number,
        point=trial.point,
        replicate=trial.replicate,
        kind=trial.kind,
        state=trial.state,
        started=trial.attempts[0].started_at,
        ended=trial.ended_at,
        settings=_settings_of(spec, point.values, trial) | {"seed": trial.seed},
        figures=_numbers(trial.summary) | _numbers({"money": trial_money(history, trial)}),
        tags={name: text for name, text in tags.items() if text},
        epochs=tuple(MirroredEpoch(row["epoch"], row["time"], _numbers(row)) for row in trial.rows),
        artifacts=_artifacts_of(paths, trial),
    )


def _settings_of(spec: StudySpec, values: Mapping[str, Any], trial: Trial) -> dict[str, Any]:
    try:
        return dict(spec.training(values, trial.substitutions).values())
    except SpecError:  # values that make no training: its trial has failed
        return dict(values)


def _numbers(figures: Mapping[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in figures.items()
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and name not in _NO_METRICS
    }


def _artifacts_of(paths: StudyPaths, trial: Trial) -> tuple[StoragePath, ...]:
    """Find what a trial that has ended kept, and the tracebacks of its failures."""
    if not trial.has_ended:
        return ()
    kept = paths.kept(trial.point, trial.replicate)
    found = []
    for parts in kept.files_below():
        path = kept
        for part in parts:
            path = path / part
        found.append(path)
    for attempt in trial.attempts:
        path = paths.stderr(trial.point, trial.replicate, attempt.number)
        if path.is_file():
            found.append(path)
    return tuple(found[:_MOST_ARTIFACTS])
