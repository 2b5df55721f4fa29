"""The first epoch at which a pruner decides.

Until then every point is there, so a comparison at that epoch is fair to all.
"""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.frames import Frames
from analysis.selection.objectives import objective_of
from analysis.selection.trials import TRIAL_KEY, point_index, search_trials, trials_with
from study.spec.sections import column_of


def first_decision_epoch(results: Frames) -> int:
    """Return the first epoch at which any trial may have been pruned; 0 where none was pruned.

    0 too where the studies' pruners differ in that epoch.
    """
    if not (results.points["state"] == "PRUNED").any():
        return 0
    epochs = {study.spec.pruner.first_decision for study in results.studies}
    return epochs.pop() if len(epochs) == 1 else 0


def _first_seeds(results: Frames, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Return the trial of each point's first seed, with these columns beside the usual ones."""
    trials = search_trials(trials_with(results, columns))
    return trials[trials["replicate"] == 0]


def points_failed_before(results: Frames, epoch: int) -> pd.DataFrame:
    """Return the points whose first seed failed before it reached this epoch."""
    first_seeds = _first_seeds(results)
    has_failed = first_seeds["state"] == "FAIL"
    is_short = first_seeds["epochs"] < epoch
    lost = first_seeds[has_failed & is_short]
    is_lost = point_index(results.points).isin(point_index(lost))
    return results.points[is_lost]


def first_seeds_at(results: Frames, epoch: int, factor: str) -> pd.DataFrame:
    """Return the first seed of each point that reached this epoch, with the level of a factor.

    ``figure`` is the objective's metric there.
    """
    column = column_of(objective_of(results).metric)
    rows = results.epochs[results.epochs["epoch"] == epoch]
    figures = rows[[*TRIAL_KEY, column]].rename(columns={column: "figure"})
    return _first_seeds(results, [factor]).merge(figures, on=TRIAL_KEY, how="inner")
