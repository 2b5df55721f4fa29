"""The epochs of a point's seeds, and how far a mean over all of them goes."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from analysis.frames import Frames
from analysis.selection.trials import (
    POINT_KEY,
    TRIAL_KEY,
    counted_trials,
    point_index,
    search_trials,
)

_UNENDED = ("RUNNING", "WAITING")
_FINGERPRINT = "data_fingerprint"


def curve_trials(trials: pd.DataFrame) -> pd.DataFrame:
    """Return the search's trials that points' curves are of, the pruned and failed ones included.

    While a finished point gets more seeds, those that have not ended are left out, as they are of
    its value.
    """
    searched = search_trials(trials)
    counted = counted_trials(searched)
    has_value = point_index(searched).isin(point_index(counted))
    is_open = searched["state"].isin(_UNENDED)
    return searched[~(has_value & is_open)]


def epoch_rows_of(results: Frames, trials: pd.DataFrame) -> pd.DataFrame:
    """Return the epoch rows of trials, by points, then seeds, then epochs.

    Each has its trial's ``data_fingerprint`` beside it, which says how many test images there are.
    """
    columns = list(TRIAL_KEY)
    if _FINGERPRINT in trials:
        columns.append(_FINGERPRINT)
    epochs = results.epochs.drop(columns=_FINGERPRINT, errors="ignore")
    rows = epochs.merge(trials[columns], on=TRIAL_KEY)
    return rows.sort_values([*POINT_KEY, "trial", "epoch"], kind="stable")


def mean_by_epoch(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Return a metric's ``mean``, ``min``, ``max`` and ``count`` over one point's seeds, by epoch.

    The curve ends before the first epoch that fewer seeds reached than began: the mean of those
    that went on would be that of the better ones.
    """
    return _as_far_as_all(_figures_by(rows, ["epoch"], metric))


def mean_curves(rows: pd.DataFrame, metric: str) -> dict[tuple[Hashable, ...], pd.DataFrame]:
    """Return ``mean_by_epoch`` of each point that has rows with the metric, by its POINT_KEY."""
    figures = _figures_by(rows, [*POINT_KEY, "epoch"], metric)
    curves = figures.groupby(level=[0, 1])
    return {key: _as_far_as_all(curve.droplevel([0, 1])) for key, curve in curves}


def _figures_by(rows: pd.DataFrame, keys: list[str], metric: str) -> pd.DataFrame:
    known = rows[[*keys, metric]].dropna(subset=metric)
    return known.groupby(keys)[metric].agg(["mean", "min", "max", "count"])


def _as_far_as_all(figures: pd.DataFrame) -> pd.DataFrame:
    """Return the figures by epoch up to the last that as many seeds reached as began."""
    if not len(figures):
        return figures
    seeds = figures["count"]
    has_fewer_seeds = seeds < seeds.iloc[0]
    is_behind = np.logical_or.accumulate(has_fewer_seeds.to_numpy())
    return figures[~is_behind]
