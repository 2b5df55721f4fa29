"""The leaderboard, and every kind of table by its name."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from analysis.budget import best_of_n
from analysis.confirmation import confirmation
from analysis.costs import cost, failures, time_to_target
from analysis.effects import effects
from analysis.interactions import interactions
from analysis.milestones import milestones
from analysis.published import published
from analysis.query import Results
from analysis.table import Header, Table, table
from analysis.views import (
    STEERED,
    cell,
    complete,
    goals,
    mean_of,
    metric_header,
    metric_mean,
    objective_text,
    over_seeds,
    search,
    setting_headers,
    settings,
    several,
)
from analysis.warnings import warnings_table
from search_spaces.faults import listed, nearest
from study.errors import UserError

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
    figures = [name for name in ("test_accuracy", "total_seconds") if name not in {o.metric for o in objectives}]
    headers = [
        Header("rank"),
        *([Header("study")] if several(results) else []),
        Header("point"),
        *(metric_header(objective.metric) for objective in objectives),
        Header("seeds"),
        *(metric_header(name) for name in figures),
        Header("epochs"),
        *setting_headers(names),
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
                *(metric_mean(group[c], o.metric) for c, o in zip(("value", "value_2"), objectives, strict=False)),
                len(group),
                *(over_seeds(group, name) for name in figures),
                mean_of(group, "epochs"),
                *(cell(point[name]) for name in names),
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
        notes.append(STEERED)
    return notes


KINDS: dict[str, Callable[[Results], Table]] = {
    "leaderboard": leaderboard,
    "milestones": milestones,
    "published": published,
    "effects": effects,
    "interactions": interactions,
    "best-of-n": best_of_n,
    "cost": cost,
    "time-to-target": time_to_target,
    "failures": failures,
    "confirmation": confirmation,
    "warnings": warnings_table,
}


def make(kind: str, results: Results) -> Table:
    """The table of a kind; UserError with the kinds for another word."""
    if kind not in KINDS:
        hint = nearest(kind, KINDS)
        raise UserError(
            f"a table's kind is {listed(KINDS)}, not {kind!r:.60}" + (f" (did you mean {hint}?)" if hint else "")
        )
    return KINDS[kind](results)
