"""Points in their order, best first: by the one definition in ``study.journal.ranking``.

The frame ``points`` carries what that gives within each study: ``rank``, ``standing`` and
``fresh_value``.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.selection.objectives import objective_of
from analysis.selection.remembered import remembered
from analysis.selection.trials import POINT_KEY
from analysis.statistics import Array, level_for
from study.journal.ranking import CONFIRMED, PARTIAL, STANDINGS

_MOST_DRAWN = 1500


@remembered
def ranked_points(results: Frames) -> pd.DataFrame:
    """Return the points that have a value, best first, with ``rank`` and ``ranked_by``.

    ``rank`` counts among all loaded studies. ``ranked_by`` is the value that decides: that of the
    fresh seeds where a point was confirmed, else that of the search.
    """
    points = results.points[results.points["value"].notna()]
    is_confirmed = points["standing"] == CONFIRMED
    deciding = points["value"].where(~is_confirmed, points["fresh_value"])
    points = points.assign(ranked_by=deciding.astype(float))
    if len(results.studies) == 1:
        return points.sort_values(["rank", "point"], kind="stable")
    return _ranked_among_studies(results, points)


def _ranked_among_studies(results: Frames, points: pd.DataFrame) -> pd.DataFrame:
    """Return points of several studies, best first, ranked anew; those that tie share a rank."""
    tiers = {standing: tier for tier, standing in enumerate(STANDINGS)}
    tiered = points.assign(tier=points["standing"].map(tiers))
    ordered = tiered.sort_values(
        ["tier", "ranked_by", *POINT_KEY],
        ascending=[True, objective_of(results).is_minimized, True, True],
        kind="stable",
    )
    places = pd.Series(range(1, len(ordered) + 1), index=ordered.index)
    is_first_of_tie = ~ordered.duplicated(["tier", "ranked_by"])
    ordered["rank"] = places.where(is_first_of_tie).ffill().astype("Int64")
    return ordered.drop(columns="tier")


def best_row(results: Frames) -> dict[str, Any] | None:
    """Return the best point as a row of ``ranked_points``; None where no point has a value."""
    points = ranked_points(results)
    if not len(points):
        return None
    return {str(name): value for name, value in points.iloc[0].items()}


def tied_with_best(results: Frames) -> list[int]:
    """Return the numbers of the points that share the first rank; none where it is one's alone."""
    points = ranked_points(results)
    first = points.loc[points["rank"] == 1, "point"]
    return [int(number) for number in first] if len(first) > 1 else []


def confirmed_count(results: Frames) -> int:
    """Return how many points rank by their fresh seeds."""
    return int((results.points["standing"] == CONFIRMED).sum())


def level_of_best(results: Frames) -> float:
    """Return the level at which the confirmed points' intervals all hold together.

    The best of several is chosen by the very seeds that its value is the mean of: only an interval
    that holds for each of them at once holds for whichever is the best.
    """
    return level_for(confirmed_count(results))


def in_search_order(points: pd.DataFrame, results: Frames) -> pd.DataFrame:
    """Return points in the order that the search alone gives them, best first.

    What their fresh seeds have shown since doesn't count.
    """
    tiered = points.assign(is_partial=points["standing"] == PARTIAL)
    ordered = tiered.sort_values(
        ["is_partial", "value", *POINT_KEY],
        ascending=[True, objective_of(results).is_minimized, True, True],
        kind="stable",
    )
    return ordered.drop(columns="is_partial")


def thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """Return at most MOST_DRAWN rows for a plot: the first, and evenly spread others."""
    step = max(1, math.ceil(len(rows) / _MOST_DRAWN))
    return rows.iloc[::step]


def best_value(results: Frames, values: Array) -> float:
    """Return the best of objective values (n,); nan where there are none."""
    if not len(values):
        return math.nan
    is_minimized = objective_of(results).is_minimized
    return float(values.min() if is_minimized else values.max())
