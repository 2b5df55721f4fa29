"""What a study cost, and what failed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, table
from analysis.selection import cell, setting_headers, settings

HOUR = 3600.0
_CONFIRM = "confirm"
_COST_STATES = ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")


def cost(results: Frames) -> Table:
    """Where the time went: the search by its trials' states, the confirmation, work repeated after
    interruptions.
    """
    trials = results.trials
    total = float(trials["wall_seconds"].sum())
    scale, unit = (HOUR, "h") if total >= HOUR else (1.0, "s")
    rows = [_cost_row(part, total, scale) for part in _parts_of(trials) if len(part.trials)]
    headers = [
        Header("state"),
        Header("trials"),
        Header("epochs"),
        Header("trial time", unit, 1),
        Header("CPU time", unit, 1),
        Header("GPU time", unit, 1),
        Header("share", digits=3),
    ]
    notes = [
        "The time that trials held their worker, times the cores or the share of a GPU reserved for"
        " them."
    ]
    if (trials["kind"] == _CONFIRM).any():
        notes.append(
            "The states are those of the search's trials; confirmation: those on fresh seeds, in"
            " any state."
        )
    return table(
        "Cost",
        headers,
        rows,
        [*notes, f"From the first point to the last record: {_span(results)}."],
    )


@dataclass(frozen=True)
class Part:
    """A part of a study's cost: trials, and the seconds of theirs that belong to it."""

    name: str
    trials: pd.DataFrame
    seconds: pd.Series[float]


def _parts_of(trials: pd.DataFrame) -> list[Part]:
    """Parts that add up to the last one."""
    wall, repeated = trials["wall_seconds"], trials["repeated_seconds"]
    kinds = {
        state: (trials["kind"] != _CONFIRM) & (trials["state"] == state) for state in _COST_STATES
    }
    kinds["confirmation"] = trials["kind"] == _CONFIRM
    parts = [
        Part(name, trials[chosen], (wall - repeated)[chosen]) for name, chosen in kinds.items()
    ]
    parts.append(
        Part("repeated after an interruption", trials[repeated > 0], repeated[repeated > 0])
    )
    return [*parts, Part("all", trials, wall)]


def _cost_row(part: Part, total: float, scale: float) -> list[Cell]:
    trials, seconds = part.trials, part.seconds
    share = seconds / trials["wall_seconds"].where(trials["wall_seconds"] > 0)
    return [
        part.name,
        len(trials),
        int(trials["epochs"].sum()),
        float(seconds.sum()) / scale,
        float((trials["cpu_seconds"] * share).sum()) / scale,
        float((trials["gpu_seconds"] * share).sum()) / scale,
        float(seconds.sum()) / total if total else None,
    ]


def _span(results: Frames) -> str:
    """The studies' time from beginning to end, driver's absence included."""
    begin, end = results.points["asked"].min(), results.trials["ended"].max()
    return (
        "nothing yet" if pd.isna(begin) or pd.isna(end) else duration((end - begin).total_seconds())
    )


def duration(seconds: float) -> str:
    """``2 h 05 min``, ``3 min 20 s``, ``12.5 s``."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return (
        f"{minutes} min {rest:02d} s"
        if minutes < 60
        else f"{minutes // 60:,} h {minutes % 60:02d} min"
    )


def failures(results: Frames) -> Table:
    """Every failure of every attempt, those that a retry mended included."""
    names = settings(results)
    points = results.points.set_index(["study", "point"])
    rows = []
    for study in results.studies:
        if not _trouble(results.only(study.name).trials):
            continue
        for trial in study.history.trials:
            for attempt in trial.attempts:
                if attempt.failure is None:
                    continue
                point: Any = points.loc[(study.name, trial.point)]
                rows.append(
                    [
                        study.name if len(results.studies) > 1 else None,
                        trial.number,
                        trial.point,
                        attempt.number,
                        attempt.failure.failure_class,
                        attempt.failure.message,
                        details(attempt.failure.details),
                        attempt.device,
                        (
                            "ended it"
                            if trial.state == "FAIL" and attempt is trial.attempts[-1]
                            else "tried again"
                        ),
                        *(cell(point[name]) for name in names),
                    ]
                )
    headers = [
        Header("study"),
        Header("trial"),
        Header("point"),
        Header("attempt"),
        Header("class"),
        Header("message"),
        Header("details"),
        Header("device"),
        Header("outcome"),
        *setting_headers(names),
    ]
    return table("Failures", headers, rows, [] if rows else ["Nothing failed."])


def _trouble(trials: pd.DataFrame) -> bool:
    """Whether any attempt can have failed: a trial that did, or one that was taken up again."""
    return bool((trials["state"] == "FAIL").any() or (trials["attempts"] > 1).any())


def details(found: Any) -> Cell:
    """What a failure's details say on one line; `study logs` has the traceback."""
    if not isinstance(found, dict):
        return None
    return ", ".join(
        f"{key} {json.dumps(value)}" for key, value in found.items() if key != "traceback"
    )


def hours(results: Frames, column: str = "wall_seconds") -> float:
    return float(results.trials[column].sum()) / HOUR
