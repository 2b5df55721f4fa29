"""What failed: every failure of every attempt at a trial, and whether that was the trial's end."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.figures import as_cell
from analysis.selection.settings import setting_headers, varied_settings
from analysis.selection.trials import POINT_KEY, has_several_studies
from study.journal.failure import Failure
from study.journal.trials import Attempt, Trial


def failures_table(results: Frames) -> Table:
    """Return every failure of every attempt, those that a retry mended included."""
    names = varied_settings(results)
    points = results.points.set_index(POINT_KEY)
    rows: list[list[Cell]] = []
    for study in results.studies:
        if not _can_have_failures(results.only(study.name).trials):
            continue
        for trial in study.history.trials:
            if study.history.points[trial.point].is_dropped:
                continue
            point: Any = points.loc[(study.name, trial.point)]
            settings = [as_cell(point[name]) for name in names]
            for attempt in trial.attempts:
                if attempt.failure is None:
                    continue
                name = study.name if has_several_studies(results) else None
                failure = _failure_cells(trial, attempt, attempt.failure)
                rows.append([name, *failure, *settings])
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
    return make_table("Failures", headers, rows, [] if rows else ["Nothing failed."])


def _failure_cells(trial: Trial, attempt: Attempt, failure: Failure) -> list[Cell]:
    is_end = trial.state == "FAIL" and attempt is trial.attempts[-1]
    return [
        trial.number,
        trial.point,
        attempt.number,
        failure.failure_class,
        failure.message,
        details_text(failure.details),
        attempt.device,
        "ended it" if is_end else "tried again",
    ]


def _can_have_failures(trials: pd.DataFrame) -> bool:
    """Return whether a trial failed or was taken up again, so that the history is worth reading."""
    has_failed = trials["state"] == "FAIL"
    was_taken_up = trials["attempts"] > 1
    return bool(has_failed.any() or was_taken_up.any())


def details_text(details: Any) -> str | None:
    """Return what a failure's details say on one line; `study logs` has the traceback."""
    if not isinstance(details, dict):
        return None
    shown = {key: value for key, value in details.items() if key != "traceback"}
    return ", ".join(f"{key} {json.dumps(value)}" for key, value in shown.items())
