"""Points in their order, best first: by the one definition in ``study.journal.ranking``, which
``points`` carries.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.selection import goal
from study.journal.ranking import CONFIRMED, PARTIAL, STANDINGS

_MOST_POINTS = 1500
PLACE = ["study", "point"]


def ranked(results: Frames) -> pd.DataFrame:
    """The points that have a value, best first, with ``rank`` among all loaded studies and
    ``ranked_by``, the value that decides: of the fresh seeds where a point was confirmed, of the
    search elsewhere.
    """
    points = results.points[results.points["value"].notna()].copy()
    confirmed = points["standing"] == CONFIRMED
    points["ranked_by"] = points["value"].where(~confirmed, points["fresh_value"]).astype(float)
    if len(results.studies) == 1:
        return points.sort_values(["rank", "point"], kind="stable")
    points["tier"] = points["standing"].map({name: tier for tier, name in enumerate(STANDINGS)})
    ascending = [True, goal(results).is_minimized, True, True]
    points = points.sort_values(["tier", "ranked_by", *PLACE], ascending=ascending, kind="stable")
    first_of_tie = ~points.duplicated(["tier", "ranked_by"])
    points["rank"] = (
        pd.Series(range(1, len(points) + 1), index=points.index)
        .where(first_of_tie)
        .ffill()
        .astype("Int64")
    )
    return points.drop(columns="tier")


def best(results: Frames) -> dict[str, Any] | None:
    """The best point as a row of ``points``; None where none has a value."""
    rows = ranked(results)
    return {str(name): value for name, value in rows.iloc[0].items()} if len(rows) else None


def tied_with_best(results: Frames) -> list[int]:
    """The numbers of the points that share the first rank; empty where the best one has it
    alone.
    """
    rows = ranked(results)
    first = rows[rows["rank"] == 1]
    return [int(number) for number in first["point"]] if len(first) > 1 else []


def by_search(points: pd.DataFrame, results: Frames) -> pd.DataFrame:
    """Points in the order that the search alone gives them, whatever their fresh seeds have shown
    since.
    """
    part = points["standing"] == PARTIAL
    ordered = points.assign(part=part).sort_values(
        ["part", "value", *PLACE],
        ascending=[True, goal(results).is_minimized, True, True],
        kind="stable",
    )
    return ordered.drop(columns="part")


def thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_POINTS rows, the best and evenly spread others."""
    return rows.iloc[:: -(-len(rows) // _MOST_POINTS) or 1] if len(rows) else rows


def short(name: str) -> str:
    return name.removesuffix(".name").rpartition(".")[2]


def best_of(results: Frames, values: statistics.Array) -> float:
    if not len(values):
        return float("nan")
    return float(values.min() if goal(results).is_minimized else values.max())
