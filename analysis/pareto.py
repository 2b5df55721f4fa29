"""The trials that no other one beats in two columns at once."""

from __future__ import annotations

import pandas as pd

from analysis.query import Results
from analysis.schema import minimized
from analysis.views import complete, search


def front(results: Results, first: str, second: str) -> pd.DataFrame:
    """The complete trials on the Pareto front of two columns, best of the first one first."""
    trials = complete(search(results.trials)).dropna(subset=[first, second])
    keys = pd.DataFrame({name: cost_of(trials, name) for name in (first, second)})
    order = keys.sort_values([first, second]).index
    kept, reached = [], float("inf")
    for index in order:
        if keys.loc[index, second] < reached:
            kept.append(index)
            reached = keys.loc[index, second]
    return trials.loc[kept]


def cost_of(trials: pd.DataFrame, column: str) -> pd.Series[float]:
    """The column so that less is better: as it is for a loss or a time, negated for an accuracy."""
    sign = 1.0 if smaller_is_better(column) else -1.0
    return trials[column].astype(float) * sign


def smaller_is_better(column: str) -> bool:
    return minimized(column.removesuffix("_best").removesuffix("_last")) or column == "parameters"
