"""The leaderboard: points by the one order there is, with what became of their seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.figures import (
    as_cell,
    mean_over_seeds,
    mean_value,
    metric_header,
    metric_mean,
)
from analysis.selection.objectives import objective_text, objectives_of
from analysis.selection.ranking import ranked_points
from analysis.selection.settings import setting_headers, varied_settings
from analysis.selection.trials import (
    STEERED_NOTE,
    counted_trials,
    fresh_trials,
    has_several_studies,
    is_steered_by_test_set,
    rows_of_point,
    trials_with,
)
from study.journal.ranking import CONFIRMED, PARTIAL
from study.journal.trials import STATES
from study.spec.sections import Objective

_RANKED_BY = {"confirmed": "fresh seeds", "searched": "search", "partial": "fewer seeds"}


def leaderboard_table(results: Frames, top: int | None = 20) -> Table:
    """Return the best ``top`` points by their value, and what sets them apart.

    Figures are means over seeds with Student's interval; a test accuracy's is over images too.
    """
    objectives = objectives_of(results)
    points = ranked_points(results)
    settings = varied_settings(results)
    figures = _figures_beside(objectives)
    several = has_several_studies(results)
    fresh_header = metric_header("value", f"{objectives[0].metric} on fresh seeds")
    headers = [
        Header("rank"),
        *([Header("study")] if several else []),
        Header("point"),
        Header("ranked by"),
        replace(fresh_header, short="on fresh seeds"),
        *[metric_header(objective.metric) for objective in objectives],
        Header("seeds"),
        Header("other seeds"),
        *[metric_header(name) for name in figures],
        Header("epochs"),
        *setting_headers(settings),
        Header("origin"),
    ]
    says_ranked_by = _is_mixed(points)
    trials = trials_with(results)
    counted, fresh = counted_trials(trials), fresh_trials(trials)
    rows: list[list[Cell]] = []
    for point in points.iloc[:top].to_dict("records"):
        seeds = rows_of_point(counted, point)
        fresh_seeds = rows_of_point(fresh, point)
        best_known = fresh_seeds if point["standing"] == CONFIRMED else seeds
        rows.append(
            [
                int(point["rank"]),
                *([point["study"]] if several else []),
                int(point["point"]),
                _RANKED_BY[point["standing"]] if says_ranked_by else None,
                _value_cell(fresh_seeds, objectives[0], "value"),
                *_objective_cells(seeds, objectives),
                len(seeds),
                _other_seeds_text(results, point),
                *[mean_over_seeds(best_known, name) for name in figures],
                mean_value(seeds, "epochs"),
                *[as_cell(point[name]) for name in settings],
                point["origin"],
            ]
        )
    title = f"Leaderboard: {objective_text(objectives)}"
    return make_table(title, headers, rows, _notes_on(results, points, top))


def _figures_beside(objectives: list[Objective]) -> list[str]:
    """Return the figures that are shown beside the objectives, where they are none of them."""
    metrics = {objective.metric for objective in objectives}
    return [name for name in ("test_accuracy", "total_seconds") if name not in metrics]


def _is_mixed(points: pd.DataFrame) -> bool:
    """Return whether points are ranked by values of several kinds, or by fresh seeds."""
    has_confirmed = bool((points["standing"] == CONFIRMED).any())
    return has_confirmed or points["standing"].nunique() > 1


def _objective_cells(seeds: pd.DataFrame, objectives: list[Objective]) -> list[Cell]:
    """Return each objective's mean over the seeds of the search."""
    columns = ("value", "value_2")
    return [
        _value_cell(seeds, objective, column)
        for objective, column in zip(objectives, columns, strict=False)
    ]


def _value_cell(seeds: pd.DataFrame, objective: Objective, column: str) -> Cell:
    return metric_mean(seeds[column], objective.metric) if len(seeds) else None


def _other_seeds_text(results: Frames, point: Mapping[Any, Any]) -> str | None:
    """Return what became of the seeds that aren't in a point's value: ``1 pruned, of 3``.

    None where all are in it.
    """
    spec = next(study.spec for study in results.studies if study.name == point["study"])
    wanted = spec.replicates
    left = wanted - int(point["seeds"])
    if left <= 0:
        return None
    pruned, failed = int(point["pruned"]), int(point["failed"])
    running = int(point["replicates"]) - int(point["complete"]) - pruned - failed
    counts = {"pruned": pruned, "failed": failed, "running": max(0, running)}
    rest = left - sum(counts.values())
    is_raced_out = point["standing"] == PARTIAL
    counts["raced out" if is_raced_out else "to come"] = max(0, rest)
    texts = [f"{count} {what}" for what, count in counts.items() if count]
    return f"{', '.join(texts)}, of {wanted}"


def _notes_on(results: Frames, points: pd.DataFrame, top: int | None) -> list[str]:
    notes = []
    if top is not None and len(points) > top:
        has_complete = bool((results.points["state"] == "COMPLETE").any())
        kind = "complete " if has_complete else ""
        notes.append(f"{top} of {len(points)} {kind}points are shown.")
    notes += _unranked_note(results)
    if results.dropped:
        notes.append(f"Dropped by hand, and not counted: {', '.join(results.dropped)}.")
    notes += _tie_note(points)
    notes += _luck_note(points)
    if (points["standing"] == PARTIAL).any():
        notes.append(
            "Points with a part of their seeds rank below those with all: few seeds are more easily"
            " lucky."
        )
    overrides = sorted(set(results.trials["overrides"].dropna()))
    notes += [f"Laid over the study file by --set: {text}." for text in overrides]
    if is_steered_by_test_set(results):
        notes.append(STEERED_NOTE)
    return notes


def _unranked_note(results: Frames) -> list[str]:
    """Say in which states the points without a value are."""
    states = results.points.loc[results.points["value"].isna(), "state"]
    if not len(states):
        return []
    counts = {state: int((states == state).sum()) for state in STATES}
    text = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    return [f"Points that are not ranked: {text}."]


def _tie_note(points: pd.DataFrame) -> list[str]:
    """Say which points share the first rank."""
    first = [str(number) for number in points.loc[points["rank"] == 1, "point"]]
    if len(first) < 2:
        return []
    return [
        f"Points {', '.join(first[:-1])} and {first[-1]} tie for the first rank; the lowest number"
        " counts as best."
    ]


def _luck_note(points: pd.DataFrame) -> list[str]:
    """Say how much luck is in the order: that depends on how far the confirmation is."""
    confirmed = int((points["standing"] == CONFIRMED).sum())
    if confirmed:
        return [
            f"Confirmed points ({confirmed}) rank first, by fresh seeds that had no part in the"
            " search; test accuracy and seconds are of those too. The others stand below with the"
            " search's value, in which luck counts."
        ]
    has_seeds_to_come = bool(points["seeds_to_come"].fillna(0).sum())
    if has_seeds_to_come and (points["confirmations"] > 0).any():
        return [
            "The confirmation is not over: until then points rank by the search, fresh values"
            " beside."
        ]
    if len(points):
        return [
            "The best of many is chosen by its luck too: its value on fresh seeds will be worse."
        ]
    return []
