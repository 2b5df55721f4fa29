"""The first epoch at which a pruner decides: until then every point is there, and a comparison is
fair to all.
"""

from __future__ import annotations

import pandas as pd

from analysis.frames import Frames
from analysis.selection import goal, search
from study.spec.sections import PrunerChoice, column_of


def first_decision(results: Frames) -> int:
    """The first epoch at which any trial of the studies may have been pruned; 0 where nothing was
    pruned.
    """
    if not (results.points["state"] == "PRUNED").any():
        return 0
    epochs = [_first_epoch(study.spec.pruner) for study in results.studies]
    return max(epochs) if all(epochs) and len(set(epochs)) == 1 else 0


def _first_epoch(pruner: PrunerChoice) -> int:
    """The first epoch after which the pruner may stop a trial; 0 where it never does."""
    options = pruner.options
    if pruner.name in ("asha", "hyperband"):
        return _whole(options["min_epochs"])
    if pruner.name in ("median", "percentile"):
        return max(1, _whole(options["warmup_epochs"]))
    if pruner.name == "patient":
        return (
            _whole(options["patience"]) + 2
        )  # the best of the last patience + 1 epochs against the one before them
    return 0


def failed_before(results: Frames, epoch: int) -> pd.DataFrame:
    """The points whose first seed failed before it reached this epoch."""
    firsts = search(results.trials)
    lost = firsts[
        (firsts["replicate"] == 0) & (firsts["state"] == "FAIL") & (firsts["epochs"] < epoch)
    ]
    keys = list(zip(lost["study"], lost["point"], strict=True))
    points = results.points
    return points[[key in keys for key in zip(points["study"], points["point"], strict=True)]]


def _whole(option: object) -> int:
    return option if isinstance(option, int) else 0


def at_first_decision(results: Frames, epoch: int) -> pd.DataFrame:
    """The first seed of each point that reached this epoch, with the objective there as
    ``figure``.
    """
    metric, firsts = goal(results).metric, search(results.trials)
    firsts = firsts[firsts["replicate"] == 0]
    column = column_of(metric)
    rows = results.epochs[results.epochs["epoch"] == epoch]
    figures = rows[["study", "trial", column]].rename(columns={column: "figure"})
    return firsts.merge(figures, on=["study", "trial"], how="inner")
