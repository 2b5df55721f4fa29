"""A study's history and spec as the three Arrow tables, in memory."""

from __future__ import annotations

import datetime
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import pyarrow as pa

from study.errors import SpecError
from study.journal.history import DriverSession, History
from study.journal.outcomes import trial_value
from study.journal.ranking import fresh_value, is_outgrown, ranked, ranks, seeds_to_come, to_confirm
from study.journal.trials import Point, Trial
from study.results.attempts import repeated_seconds, seconds_of, shared_devices
from study.results.columns import BOOL, TEXT, TIME, Column
from study.results.recipe_columns import recipe_column_name
from study.results.schema import (
    TableName,
    arrow_schema,
    best_and_last_columns,
    has_best_and_last,
    listed_columns,
    unlisted_column,
)
from study.spec.sections import Objective
from study.spec.spec import StudySpec
from study.training.recipe.metric_catalog import is_minimized
from study.training.recipe.recipe import flatten

Row = dict[str, Any]
_HARDWARE = ("host", "platform", "processor", "cpus", "gpus")


@dataclass(frozen=True)
class Tables:
    """The three tables of one study."""

    points: pa.Table
    trials: pa.Table
    epochs: pa.Table


def tabulate(history: History, spec: StudySpec, *, with_epochs: bool = True) -> Tables:
    """Everything that is known of a study, whatever state it is in; ``epochs`` is empty where it
    isn't wanted.
    """
    recipes = Recipes(spec)
    trials = _trial_rows(history, spec, recipes)
    return Tables(
        points=_table("points", _point_rows(history, spec, recipes)),
        trials=_table("trials", trials, _metrics_in(history.trials)),
        epochs=epochs_table(history.study, history.trials if with_epochs else ()),
    )


class Recipes:
    """Flat recipes by column, each point's made once."""

    def __init__(self, spec: StudySpec) -> None:
        self._spec = spec
        self._made: dict[tuple[int, str | None], Row] = {}

    def of(self, point: Point, substitutions: Mapping[str, Any] | None = None) -> Row:
        """The recipe of a point's trials; only the point's own values where today's code refuses
        that recipe.
        """
        key = (point.number, _as_json(substitutions))
        if key not in self._made:
            try:
                flat = dict(flatten(self._spec.recipe(point.values, 0, substitutions)))
            except (SpecError, ValueError):
                flat = {**point.values, **(substitutions or {})}
            flat.pop("seed", None)
            self._made[key] = {recipe_column_name(path): value for path, value in flat.items()}
        return self._made[key]


def _point_rows(history: History, spec: StudySpec, recipes: Recipes) -> list[Row]:
    order = ranked(history.points, spec, whole_seeds=history.whole_seeds)
    chosen = {
        point.number for point in to_confirm(history.points, spec, whole_seeds=history.whole_seeds)
    }
    standings = [found for found, _ in order]
    places = {
        found.number: {"rank": rank, "standing": found.name}
        for found, rank in zip(standings, ranks(standings), strict=True)
    }
    return [
        {
            **_point_row(history, point, recipes),
            **places.get(point.number, {}),
            "fresh_value": fresh_value(point, spec),
            "chosen": point.number in chosen,
            "seeds_to_come": seeds_to_come(point, spec) if point.number in chosen else None,
        }
        for point in history.points
    ]


def _point_row(history: History, point: Point, recipes: Recipes) -> Row:
    kinds = [trial.kind for trial in point.trials.values()]
    states = [trial.state for trial in point.trials.values() if trial.kind == "search"]
    values = point.value if isinstance(point.value, list) else [point.value]
    return {
        **recipes.of(point),
        "study": history.study,
        "point": point.number,
        "state": point.state,
        "value": values[0] if values else None,
        "value_2": values[1] if len(values) > 1 else None,
        "replicates": kinds.count("search"),
        "complete": states.count("COMPLETE"),
        "pruned": states.count("PRUNED"),
        "failed": states.count("FAIL"),
        "seeds": len(point.seeds),
        "confirmations": kinds.count("confirm"),
        "origin": point.origin,
        "entry": point.entry,
        "level": point.level,
        "known": point.is_in_space,
        "nominal_cost": point.epoch_cost,
        "asked": moment(point.asked_at),
    }


def _trial_rows(history: History, spec: StudySpec, recipes: Recipes) -> list[Row]:
    shared = shared_devices(history)
    overrides = _as_json(spec.overrides)
    return [
        {
            **recipes.of(history.points[trial.point], trial.substitutions),
            **_summary_figures(trial),
            **_metric_figures(trial),
            **_trial_figures(trial, spec),
            **_place_and_time(history, trial, spec),
            **_provenance_figures(history, trial),
            "study": history.study,
            "origin": history.points[trial.point].origin,
            "entry": history.points[trial.point].entry,
            "level": history.points[trial.point].level,
            "outgrown": trial.kind == "confirm" and is_outgrown(trial, history.points[trial.point]),
            "counted": (
                trial.kind == "search" and trial.replicate in history.points[trial.point].seeds
            ),
            "device_shared": trial.number in shared,
            "overrides": overrides,
        }
        for trial in history.trials
    ]


def _trial_figures(trial: Trial, spec: StudySpec) -> Row:
    values = _objective_values(trial, spec)
    return {
        "trial": trial.number,
        "point": trial.point,
        "replicate": trial.replicate,
        "kind": trial.kind,
        "seed": trial.seed,
        "state": trial.state,
        "failure": trial.failure.failure_class if trial.failure else None,
        "failure_message": trial.failure.message if trial.failure else None,
        "stop_reason": trial.stop_reason or None,
        "stopped_by": trial.stopped_by or None,
        "epochs": trial.epochs,
        "value": values[0],
        "value_2": values[1] if len(values) > 1 else None,
        "best_epoch": _best_epoch(trial, spec.objectives[0]),
        "substitutions": _as_json(trial.substitutions),
        "peak_memory_bytes": max(
            (row.get("peak_memory_bytes") or 0 for row in trial.rows), default=None
        ),
        **_epoch_times(trial),
    }


def _objective_values(trial: Trial, spec: StudySpec) -> list[float | None]:
    """The trial's value of each objective, None throughout unless it is COMPLETE."""
    if trial.state != "COMPLETE" or not trial.rows:
        return [None] * len(spec.objectives)
    return [trial_value(trial, objective) for objective in spec.objectives]


def _best_epoch(trial: Trial, objective: Objective) -> int | None:
    """Return the first epoch at which the objective is best; None where no epoch holds it."""
    metric = objective.metric
    rows = [row for row in trial.rows if isinstance(row.get(metric), int | float)]
    if not rows:
        return None
    best = max(rows, key=lambda row: objective.sign * row[metric])
    return int(best["epoch"])


def _epoch_times(trial: Trial) -> Row:
    """First and steady epoch times and their total, from the rows that count."""
    spans = [
        (row.get("train_seconds") or 0.0) + (row.get("eval_seconds") or 0.0)
        for row in trial.rows
        if row.get("train_seconds") is not None
    ]
    return {
        "first_epoch_seconds": spans[0] if spans else None,
        "steady_epoch_seconds": statistics.median(spans[1:]) if len(spans) > 1 else None,
        "total_seconds": trial.rows[-1].get("seconds", sum(spans)) if spans else None,
    }


def _metric_figures(trial: Trial) -> Row:
    figures: Row = {}
    for metric in _metrics_in([trial]):
        series = [row[metric] for row in trial.rows if isinstance(row.get(metric), int | float)]
        best, last = (column.name for column in best_and_last_columns(metric))
        if series:
            figures[best] = min(series) if is_minimized(metric) else max(series)
            figures[last] = series[-1]
    return figures


def _metrics_in(trials: Iterable[Trial]) -> list[str]:
    """The qualities that the trials' first rows hold, each of which has a best and a last value."""
    names = {
        name: None
        for trial in trials
        if trial.rows
        for name in trial.rows[0]
        if has_best_and_last(name)
    }
    return list(names)


def _summary_figures(trial: Trial) -> Row:
    """What the training said of itself at its end; lists and mappings as JSON."""
    summary = {**trial.summary, "device_name": trial.summary.get("device")}
    return {
        name: _as_json(value) if isinstance(value, dict | list) else value
        for name, value in summary.items()
    }


def _place_and_time(history: History, trial: Trial, spec: StudySpec) -> Row:
    wall = sum(seconds_of(history, attempt) for attempt in trial.attempts)
    last = trial.attempt
    return {
        "started": moment(trial.attempts[0].started_at),
        "ended": moment(trial.ended_at if trial.ended_at is not None else last.ended_at),
        "attempts": len(trial.attempts),
        "wall_seconds": wall,
        "repeated_seconds": repeated_seconds(trial),
        "cpu_seconds": wall * spec.resources.cpus,
        "gpu_seconds": wall * spec.resources.gpus,
        "host": last.host or None,
        "node": last.node or None,
        "device": last.device or None,
    }


def _provenance_figures(history: History, trial: Trial) -> Row:
    """Under which study file and by which session the trial last ran."""
    began = trial.attempt.started_at
    specs = [spec for spec in history.specs if spec.time <= began] or history.specs[:1]
    sessions = [
        session for session in history.sessions if session.opened_at <= began
    ] or history.sessions[:1]
    return {
        "spec_version": specs[-1].version if specs else None,
        "spec_hash": specs[-1].hash if specs else None,
        **(_session_figures(sessions[-1]) if sessions else {}),
    }


def _session_figures(session: DriverSession) -> Row:
    provenance = session.provenance
    return {
        "session": session.number,
        "code_version": code_version(provenance),
        "packages": _as_json(
            {"python": provenance.get("python"), **provenance.get("packages", {})}
        ),
        "hardware": _as_json({key: provenance[key] for key in _HARDWARE if key in provenance}),
    }


def code_version(provenance: Mapping[str, Any]) -> str:
    """``0.1.0 5398031b0c2d, changed``: the package's version, the commit of its checkout and
    whether files differed.
    """
    code = provenance.get("code") or {}
    version = provenance.get("packages", {}).get("ray-study", "")
    changed = ", changed" if code.get("changed") else ""
    return f"{version} {code.get('commit', '')[:12]}".strip() + changed


def epochs_table(study: str, trials: Sequence[Trial]) -> pa.Table:
    """One row for each epoch that counts."""
    places = [
        {"study": study, "trial": trial.number, "point": trial.point, "replicate": trial.replicate}
        for trial in trials
    ]
    rows = [place | row for place, trial in zip(places, trials, strict=True) for row in trial.rows]
    return _table("epochs", rows)


def _table(name: TableName, rows: Sequence[Row], metrics: Sequence[str] = ()) -> pa.Table:
    """Rows as an Arrow table: the listed columns first, then what else the rows hold."""
    columns = list(listed_columns(name))
    known = {column.name for column in columns}
    own = [
        column
        for metric in metrics
        for column in best_and_last_columns(metric)
        if column.name not in known
    ]
    known |= {column.name for column in own}
    present = _keys_in(rows)
    others = [
        key for key in sorted(present - known) if any(row.get(key) is not None for row in rows)
    ]
    columns += own + [unlisted_column(key, (row.get(key) for row in rows)) for key in others]
    arrays = [
        _column_array(column, rows) if column.name in present else pa.nulls(len(rows), column.type)
        for column in columns
    ]
    return pa.Table.from_arrays(arrays, schema=arrow_schema(columns))


def _keys_in(rows: Sequence[Row]) -> set[str]:
    """Every key of any row."""
    present: set[str] = set()
    for row in rows:
        if not row.keys() <= present:
            present |= row.keys()
    return present


def _column_array(column: Column, rows: Sequence[Row]) -> pa.Array:
    """One column; a value that is not of its type is missing rather than wrong."""
    name = column.name
    values = [row.get(name) for row in rows]
    kinds = set(map(type, values))
    if column.type == TIME:
        values = [
            round(value * 1e6) if isinstance(value, int | float) else value for value in values
        ]
    elif column.type == TEXT:
        values = values if kinds <= {str, NoneType} else [_as_text(value) for value in values]
    elif column.type == BOOL:
        values = [value if isinstance(value, bool) else None for value in values]
    elif kinds & {bool, str}:
        values = [None if isinstance(value, bool | str) else value for value in values]
    return pa.array(values, type=column.type, from_pandas=True)


def moment(seconds: float | None) -> datetime.datetime | None:
    """Seconds since 1970 as a time in UTC."""
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def _as_text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else _as_json(value)


def _as_json(value: object) -> str | None:
    """JSON text; None for nothing."""
    if value is None or (isinstance(value, Mapping | list | tuple) and not value):
        return None
    plain = dict(value) if isinstance(value, Mapping) else value
    return json.dumps(plain, sort_keys=True, default=str)
