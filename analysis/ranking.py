"""Points in the order of their value, as plots show them."""

from __future__ import annotations

import pandas as pd

from analysis import statistics
from analysis.query import Results
from analysis.views import goal

MOST_POINTS = 1500


def ranked(results: Results) -> pd.DataFrame:
    """The complete points, best first."""
    return results.points.dropna(subset="value").sort_values("value", ascending=goal(results).smallest)


def thinned(rows: pd.DataFrame) -> pd.DataFrame:
    """At most MOST_POINTS rows, the best and evenly spread others."""
    return rows.iloc[:: -(-len(rows) // MOST_POINTS) or 1] if len(rows) else rows


def short(name: str) -> str:
    return name.removesuffix(".name").rpartition(".")[2]


def best_of(results: Results, values: statistics.Array) -> float:
    if not len(values):
        return float("nan")
    return float(values.min() if goal(results).smallest else values.max())
