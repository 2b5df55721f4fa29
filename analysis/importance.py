"""How much each setting matters to the value: permutation importance, with its uncertainty.

A random forest is fitted to resampled points and judged on those left out (Breiman 2001), so a setting that matters
only to the points it was fitted to counts for nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.query import Results
from analysis.statistics import Array, Estimate
from analysis.views import settings

RESAMPLES = 15
LEAST_POINTS = 10
LEVEL = 0.9


def importance(results: Results, seed: int = 0) -> list[tuple[str, Estimate]]:
    """Each setting's share of the value's variance that is lost when it is shuffled, the greatest first.

    The interval holds the middle LEVEL of the resamples; nothing where there are too few complete points.
    """
    points = results.points.dropna(subset="value")
    names = settings(results)
    if len(points) < LEAST_POINTS or not names or points["value"].nunique() < 2:
        return []
    features = np.column_stack([coded(points[name]) for name in names])
    drops = np.array([resample(features, points["value"].to_numpy(float), seed + i) for i in range(RESAMPLES)])
    ends = np.quantile(drops, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    found = [
        (name, Estimate(float(np.median(drops[:, i])), float(ends[0, i]), float(ends[1, i]), len(points), LEVEL))
        for i, name in enumerate(names)
    ]
    return sorted(found, key=lambda item: -item[1].value)


def coded(values: pd.Series[Any]) -> Array:
    """A setting as numbers: itself, or its rank among the choices; -1 beyond the least where it is missing."""
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.rank(method="dense").to_numpy(float, na_value=np.nan)  # trees see no more than the order
    else:
        codes, _ = pd.factorize(values.astype("str"), sort=True)
        numbers = codes.astype(float)
    filled: Array = np.nan_to_num(numbers, nan=-1.0)
    return filled


def resample(features: Array, values: Array, seed: int) -> Array:
    """One resample's importances, shape (settings,): the loss of explained variance on the points left out."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    random = np.random.default_rng(seed)
    drawn = random.integers(0, len(values), len(values))
    left_out = np.setdiff1d(np.arange(len(values)), drawn)
    forest = RandomForestRegressor(25, min_samples_leaf=2, random_state=seed, n_jobs=1)
    forest.fit(features[drawn], values[drawn])
    found = permutation_importance(
        forest,
        features[left_out],
        values[left_out],
        n_repeats=3,
        random_state=seed,
        scoring="neg_mean_squared_error",
    )
    drops: Array = np.asarray(found["importances_mean"], dtype=float) / float(values.var())
    return drops
