"""The leaderboard: points by the one order there is, with what became of their seeds."""

from __future__ import annotations

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
    rows_of_point,
)
from study.journal.ranking import CONFIRMED, PARTIAL
from study.journal.trials import STATES
from study.spec.sections import Objective

_RANKED_BY = {"confirmed": "fresh seeds", "searched": "search", "partial": "fewer seeds"}


def leaderboard_table(results: Frames, top: int | None = 20) -> Table:
    """Points by their value, best first: the mean over seeds with Student's interval, and what sets
    them apart.
    """
    objectives = objectives_of(results)
    points = ranked_points(results)
    names = varied_settings(results)
    figures = [
        name
        for name in ("test_accuracy", "total_seconds")
        if name not in {o.metric for o in objectives}
    ]
    mixed = points["standing"].nunique() > 1 or (points["standing"] == CONFIRMED).any()
    headers = [
        Header("rank"),
        *([Header("study")] if has_several_studies(results) else []),
        Header("point"),
        Header("ranked by"),
        replace(
            metric_header("value", f"{objectives[0].metric} on fresh seeds"), short="on fresh seeds"
        ),
        *(metric_header(objective.metric) for objective in objectives),
        Header("seeds"),
        Header("other seeds"),
        *(metric_header(name) for name in figures),
        Header("epochs"),
        *setting_headers(names),
        Header("origin"),
    ]
    rows: list[list[Cell]] = []
    for point in points.iloc[:top].to_dict("records"):
        confirmed, seeds = (
            point["standing"] == CONFIRMED,
            rows_of_point(counted_trials(results.trials), point),
        )
        anew = rows_of_point(fresh_trials(results.trials), point)
        best_known = anew if confirmed else seeds
        rows.append(
            [
                int(point["rank"]),
                *([point["study"]] if has_several_studies(results) else []),
                int(point["point"]),
                _RANKED_BY[point["standing"]] if mixed else None,
                metric_mean(anew["value"], objectives[0].metric) if len(anew) else None,
                *(
                    _value_of(seeds, o, c)
                    for o, c in zip(objectives, ("value", "value_2"), strict=False)
                ),
                len(seeds),
                _other_seeds(results, point),
                *(mean_over_seeds(best_known, name) for name in figures),
                mean_value(seeds, "epochs"),
                *(as_cell(point[name]) for name in names),
                point["origin"],
            ]
        )
    return make_table(
        f"Leaderboard: {objective_text(objectives)}", headers, rows, _notes_on(results, points, top)
    )


def _value_of(seeds: pd.DataFrame, objective: Objective, column: str) -> Cell:
    return metric_mean(seeds[column], objective.metric) if len(seeds) else None


def _other_seeds(results: Frames, point: dict[Any, Any]) -> str | None:
    """What became of the seeds that aren't in a point's value: ``1 pruned, of 3``; None where all
    are in it.
    """
    wanted = next(
        study.spec.replicates for study in results.studies if study.name == point["study"]
    )
    left = wanted - int(point["seeds"])
    counts = {"pruned": int(point["pruned"]), "failed": int(point["failed"])}
    if left <= 0:
        return None
    running = int(point["replicates"]) - int(point["complete"]) - sum(counts.values())
    counts |= {"running": max(0, running)}
    rest = left - sum(counts.values())
    counts |= {"raced out" if point["standing"] == PARTIAL else "to come": max(0, rest)}
    return (
        ", ".join(f"{count} {what}" for what, count in counts.items() if count) + f", of {wanted}"
    )


def _notes_on(results: Frames, points: pd.DataFrame, top: int | None) -> list[str]:
    states = results.points["state"].value_counts()
    unranked = results.points.loc[results.points["value"].isna(), "state"]
    notes = []
    if top is not None and len(points) > top:
        notes.append(
            f"{top} of {len(points)} {'complete ' if 'COMPLETE' in states else ''}points are shown."
        )
    if len(unranked):
        counts = {state: int((unranked == state).sum()) for state in STATES}
        others = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        notes.append(f"Points that are not ranked: {others}.")
    notes += _ties(points)
    confirmed = int((points["standing"] == CONFIRMED).sum())
    if confirmed:
        notes.append(
            f"Confirmed points ({confirmed}) rank first, by fresh seeds that had no part in the"
            " search; test accuracy and seconds are of those too. The others stand below with the"
            " search's value, in which luck counts."
        )
    elif points["seeds_to_come"].fillna(0).sum() and (points["confirmations"] > 0).any():
        notes.append(
            "The confirmation is not over: until then points rank by the search, fresh values"
            " beside."
        )
    elif len(points):
        notes.append(
            "The best of many is chosen by its luck too: its value on fresh seeds will be worse."
        )
    if (points["standing"] == PARTIAL).any():
        notes.append(
            "Points with a part of their seeds rank below those with all: few seeds are more easily"
            " lucky."
        )
    overridden = sorted(set(results.trials["overrides"].dropna()))
    notes += [f"Laid over the study file by --set: {text}." for text in overridden]
    if (results.trials["data.validation"] == "test").any():
        notes.append(STEERED_NOTE)
    return notes


def _ties(points: pd.DataFrame) -> list[str]:
    """Which points share the first rank."""
    first = [str(number) for number in points.loc[points["rank"] == 1, "point"]]
    if len(first) < 2:
        return []
    return [
        f"Points {', '.join(first[:-1])} and {first[-1]} tie for the first rank; the lowest number"
        " counts as best."
    ]
