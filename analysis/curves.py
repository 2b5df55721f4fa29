"""The epochs of a point's seeds, and how far a mean over all of them goes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.frames import Frames
from analysis.selection import counted, search

KEY = ["study", "point"]
TRIAL = ["study", "trial"]
_UNENDED = ("RUNNING", "WAITING")


def seeds_of(trials: pd.DataFrame) -> pd.DataFrame:
    """The trials of the search that a point's curves are of: all of them, the pruned and failed
    ones included.

    While a finished point gets more seeds, those that have not ended are left out, as they are of
    its value.
    """
    own = search(trials)
    valued = pd.MultiIndex.from_frame(own[KEY]).isin(pd.MultiIndex.from_frame(counted(own)[KEY]))
    return own[~(valued & own["state"].isin(_UNENDED))]


def rows_of(results: Frames, trials: pd.DataFrame) -> pd.DataFrame:
    """The epoch rows of trials, each with its trial's ``data_fingerprint``, which says how many
    test images there are.

    In the order of points, then seeds, then epochs.
    """
    known = [*TRIAL, "data_fingerprint"] if "data_fingerprint" in trials else TRIAL
    rows = results.epochs.drop(columns="data_fingerprint", errors="ignore").merge(
        trials[known], on=TRIAL
    )
    return rows.sort_values([*KEY, "trial", "epoch"], kind="stable")


def by_epoch(rows: pd.DataFrame, metric: str) -> pd.DataFrame:
    """A metric's ``mean``, ``min`` and ``max`` over one point's seeds, by epoch.

    It ends before the first epoch that fewer seeds reached than began: the mean of those that went
    on would be that of the better ones.
    """
    figures = (
        rows.dropna(subset=metric).groupby("epoch")[metric].agg(["mean", "min", "max", "count"])
    )
    if not len(figures):
        return figures
    fewer = figures["count"] < figures["count"].iloc[0]
    return figures[~np.logical_or.accumulate(fewer.to_numpy())]
