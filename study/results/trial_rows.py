"""Rows of the table of trials."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from study.journal.history import History
from study.journal.outcomes import trial_value
from study.journal.ranking import is_outgrown
from study.journal.trials import Point, Trial
from study.results.attempts import (
    repeated_seconds,
    trials_on_shared_devices,
    wall_seconds,
    worker_seconds,
)
from study.results.bill import currency_of, lost_money, trial_money
from study.results.cells import Row, json_text, utc_time
from study.results.figures import Figures
from study.results.recipe_cells import RecipeCells
from study.results.schema import best_and_last_columns
from study.spec.sections import Objective

if TYPE_CHECKING:
    from study.spec.spec import StudySpec

_HARDWARE = ("host", "platform", "processor", "cpus", "gpus")


class _Outcome(TypedDict):
    """What a trial is, and what has come of it."""

    study: str
    trial: int
    point: int
    replicate: int
    kind: str
    seed: int
    state: str
    dropped: bool
    failure: str | None
    failure_message: str | None
    stop_reason: str | None
    stopped_by: str | None
    epochs: int
    counted: bool
    outgrown: bool
    value: float | None
    value_2: float | None
    best_epoch: int | None
    substitutions: str | None
    overrides: str | None
    peak_memory_bytes: int | None


class _Proposal(TypedDict):
    """Where the trial's point comes from."""

    origin: str
    entry: int | None
    level: int | None


class _EpochTimes(TypedDict):
    first_epoch_seconds: float | None
    steady_epoch_seconds: float | None
    total_seconds: float | None


class _Work(TypedDict):
    """When and where a trial was worked on, and what that took."""

    started: datetime.datetime | None
    ended: datetime.datetime | None
    attempts: int
    wall_seconds: float
    repeated_seconds: float
    cpu_seconds: float
    gpu_seconds: float
    trial_workers: int
    money: float | None
    lost_money: float | None
    currency: str | None
    host: str | None
    node: str | None
    device: str | None
    device_shared: bool
    rows_differ_at: int | None


class _Provenance(TypedDict, total=False):
    """Under which study file and in which driver's session a trial last ran."""

    spec_version: int
    spec_hash: str
    session: int
    code_version: str
    packages: str | None
    hardware: str | None


def trial_rows(history: History, spec: StudySpec, recipes: RecipeCells) -> list[Row]:
    """Make a row of each trial, in the order of their numbers."""
    sharing = trials_on_shared_devices(history)
    figures = Figures.of(spec)
    rows = []
    for trial in history.trials:
        point = history.points[trial.point]
        row: Row = {**recipes.of(point, trial.substitutions), **_summary(trial)}
        row |= _best_and_last_values(trial, figures)
        row |= _outcome(history, spec, trial, point)
        row |= _proposal(point)
        row |= _epoch_times(trial)
        row |= _work(history, spec, trial, is_on_shared_device=trial.number in sharing)
        row |= _provenance(history, trial)
        if spec.train is not None:
            row["own_code"] = trial.attempt.code or None
        rows.append(row)
    return rows


def _outcome(history: History, spec: StudySpec, trial: Trial, point: Point) -> _Outcome:
    values = _objective_values(trial, spec.objectives)
    memory = [row.get("peak_memory_bytes") or 0 for row in trial.rows]
    return {
        "study": history.study,
        "trial": trial.number,
        "point": trial.point,
        "replicate": trial.replicate,
        "kind": trial.kind,
        "seed": trial.seed,
        "state": trial.state,
        "dropped": point.is_dropped,
        "failure": trial.failure.failure_class if trial.failure else None,
        "failure_message": trial.failure.message if trial.failure else None,
        "stop_reason": trial.stop_reason or None,
        "stopped_by": trial.stopped_by or None,
        "epochs": trial.epochs,
        "counted": trial.kind == "search" and trial.replicate in point.seeds,
        "outgrown": trial.kind == "confirm" and is_outgrown(trial, point),
        "value": values[0],
        "value_2": values[1] if len(values) > 1 else None,
        "best_epoch": _best_epoch(trial, spec.objectives[0]),
        "substitutions": json_text(trial.substitutions),
        "overrides": json_text(spec.overrides),
        "peak_memory_bytes": max(memory, default=None),
    }


def _objective_values(trial: Trial, objectives: Iterable[Objective]) -> list[float | None]:
    """The trial's value of each objective, None throughout unless it is COMPLETE."""
    is_complete = trial.state == "COMPLETE" and bool(trial.rows)
    return [trial_value(trial, each) if is_complete else None for each in objectives]


def _best_epoch(trial: Trial, objective: Objective) -> int | None:
    """The first epoch at which the objective is best; None where no epoch holds it."""
    metric = objective.metric
    rows = [row for row in trial.rows if _is_number(row.get(metric))]
    if not rows:
        return None
    best = max(rows, key=lambda row: objective.sign * row[metric])
    return int(best["epoch"])


def _best_and_last_values(trial: Trial, figures: Figures) -> Row:
    """The best and the last value of each metric over the epochs that count."""
    cells: Row = {}
    for metric in figures.metrics_in([trial]):
        values = [row[metric] for row in trial.rows if _is_number(row.get(metric))]
        if values:
            best, last = best_and_last_columns(metric)
            cells[best.name] = min(values) if figures.is_less_better(metric) else max(values)
            cells[last.name] = values[-1]
    return cells


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _proposal(point: Point) -> _Proposal:
    return {"origin": point.origin, "entry": point.entry, "level": point.level}


def _summary(trial: Trial) -> Row:
    """What the training reported of itself at its end; lists and mappings as JSON."""
    summary = {**trial.summary, "device_name": trial.summary.get("device")}
    return {
        name: json_text(value) if isinstance(value, dict | list) else value
        for name, value in summary.items()
    }


def _epoch_times(trial: Trial) -> _EpochTimes:
    """First and steady epoch times and their total, from the rows that count."""
    seconds = [
        (row.get("train_seconds") or 0.0) + (row.get("eval_seconds") or 0.0)
        for row in trial.rows
        if row.get("train_seconds") is not None
    ] or _seconds_between(trial)
    later = seconds[1:]
    return {
        "first_epoch_seconds": seconds[0] if seconds else None,
        "steady_epoch_seconds": statistics.median(later) if later else None,
        "total_seconds": trial.rows[-1].get("seconds", sum(seconds)) if seconds else None,
    }


def _seconds_between(trial: Trial) -> list[float]:
    """The time of each epoch of an own training, which reports the time up to each."""
    ends = [row.get("seconds") or 0.0 for row in trial.rows]
    return [end - start for start, end in zip([0.0, *ends], ends, strict=False)]


def _work(history: History, spec: StudySpec, trial: Trial, *, is_on_shared_device: bool) -> _Work:
    wall, held = wall_seconds(history, trial), worker_seconds(history, trial)
    last = trial.attempt
    ended_at = trial.ended_at if trial.ended_at is not None else last.ended_at
    return {
        "started": utc_time(trial.attempts[0].started_at),
        "ended": utc_time(ended_at),
        "attempts": len(trial.attempts),
        "wall_seconds": wall,
        "repeated_seconds": repeated_seconds(trial),
        "cpu_seconds": held * spec.resources.cpus,
        "gpu_seconds": held * spec.resources.gpus,
        "trial_workers": last.workers,
        "money": trial_money(history, trial),
        "lost_money": lost_money(trial),
        "currency": currency_of(trial),
        "host": last.host or None,
        "node": last.node or None,
        "device": last.device or None,
        "device_shared": is_on_shared_device,
        "rows_differ_at": _first_difference(trial),
    }


def _first_difference(trial: Trial) -> int | None:
    """The first epoch that a later attempt has trained with other figures."""
    epochs = [each.differs_at for each in trial.attempts if each.differs_at is not None]
    return min(epochs, default=None)


def _provenance(history: History, trial: Trial) -> _Provenance:
    """The last study file and the last session from before the trial's latest attempt."""
    began = trial.attempt.started_at
    specs = [spec for spec in history.specs if spec.time <= began] or history.specs[:1]
    sessions = [each for each in history.sessions if each.opened_at <= began]
    sessions = sessions or history.sessions[:1]
    cells: _Provenance = {}
    if specs:
        cells["spec_version"] = specs[-1].version
        cells["spec_hash"] = specs[-1].hash
    if sessions:
        provenance = sessions[-1].provenance
        packages = {"python": provenance.get("python"), **provenance.get("packages", {})}
        hardware = {key: provenance[key] for key in _HARDWARE if key in provenance}
        cells["session"] = sessions[-1].number
        cells["code_version"] = code_version(provenance)
        cells["packages"] = json_text(packages)
        cells["hardware"] = json_text(hardware)
    return cells


def code_version(provenance: Mapping[str, Any]) -> str:
    """Return ``0.1.0 5398031b0c2d, changed``: the package's version, the commit of its checkout,
    and whether files differed from that.
    """
    code = provenance.get("code") or {}
    version = provenance.get("packages", {}).get("ray-study", "")
    changed = ", changed" if code.get("changed") else ""
    return f"{version} {code.get('commit', '')[:12]}".strip() + changed
