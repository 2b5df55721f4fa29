"""The tables that answer a study: leaderboard, cost, failures and confirmation; the others have files of their own."""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import statistics
from analysis.query import Results
from analysis.table import Cell, Header, Table, table
from analysis.views import Goal, complete, goals, metric_header, search, setting_headers, settings, several

KEY = ["study", "point"]


def leaderboard(results: Results, top: int | None = 20) -> Table:
    """Points by their value, best first: the mean over replicates with Student's interval, and what sets them apart."""
    objectives = goals(results)
    points = results.points
    ranked = points[points["state"] == "COMPLETE"].sort_values(
        ["value", "study", "point"], ascending=[objectives[0].smallest, True, True]
    )
    trials = complete(search(results.trials))
    groups = dict(iter(trials.groupby(KEY, sort=False)))
    names = settings(results)
    headers = [
        Header("rank"),
        *([Header("study")] if several(results) else []),
        Header("point"),
        *(metric_header(objective.metric) for objective in objectives),
        Header("seeds"),
        *setting_headers(names),
        Header("epochs"),
        metric_header("test_accuracy"),
        metric_header("total_seconds"),
        Header("origin"),
    ]
    rows = []
    for rank, point in enumerate(ranked.iloc[:top].to_dict("records"), start=1):
        group = groups.get((point["study"], point["point"]), trials.iloc[:0])
        rows.append(
            [
                rank,
                *([point["study"]] if several(results) else []),
                int(point["point"]),
                *(statistics.mean(group[column]) for column, _ in zip(("value", "value_2"), objectives, strict=False)),
                len(group),
                *(cell(point[name]) for name in names),
                mean_of(group, "epochs"),
                over_seeds(group, "test_accuracy"),
                mean_of(group, "total_seconds"),
                point["origin"],
            ]
        )
    return table(f"Leaderboard: {objective_text(objectives)}", headers, rows, leaderboard_notes(results, ranked, top))


def leaderboard_notes(results: Results, ranked: pd.DataFrame, top: int | None) -> list[str]:
    states = results.points["state"].value_counts()
    notes = []
    if top is not None and len(ranked) > top:
        notes.append(f"{top} of {len(ranked)} complete points are shown.")
    others = [f"{count} {state}" for state, count in states.items() if state != "COMPLETE"]
    if others:
        notes.append(f"Points that are not ranked: {', '.join(others)}.")
    if len(ranked):
        notes.append("The best of many is chosen by its luck too: its value on fresh seeds will be worse.")
    overridden = sorted(set(results.trials["overrides"].dropna()))
    notes += [f"Laid over the study file by --set: {text}." for text in overridden]
    if (results.trials["data.validation"] == "test").any():
        notes.append("validation: test. These figures were steered by the test set and are no estimate of new data.")
    return notes


def objective_text(objectives: list[Goal]) -> str:
    return ", ".join(f"{goal.metric} ({'minimize' if goal.smallest else 'maximize'})" for goal in objectives)


def over_seeds(group: pd.DataFrame, column: str) -> statistics.Estimate | None:
    return statistics.mean(group[column]) if group[column].notna().any() else None


def mean_of(group: pd.DataFrame, column: str) -> float | None:
    return float(group[column].mean()) if group[column].notna().any() else None


def cell(value: Any) -> Cell:
    """A frame's value as a cell: null as None, numpy's scalars as Python's."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    plain: Cell = value.item() if hasattr(value, "item") else value
    return plain
