"""What each setting does: marginal means, paired differences, and what it costs in time and memory.

A difference is *paired* where points exist that agree in every other setting (those of the setting's own branches
aside): then each such group and seed is compared with itself, and the groups are resampled. Where no two groups agree,
as in a search, the difference is of two independent samples of points and says so: other settings differ there too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.levels import (
    derived,
    factors_of,
    is_level,
    levels_of,
    marginal,
    matched,
    over_groups,
    text_of,
)
from analysis.query import Results
from analysis.statistics import Estimate
from analysis.table import Cell, Header, Table, table
from analysis.views import complete, goal, metric_header, search, settings

SECONDS = "steady_epoch_seconds"
MEMORY = "peak_memory_bytes"


@dataclass(frozen=True)
class Contrast:
    """A level against the reference: the difference, and of how many pairs (0: unpaired)."""

    difference: Estimate
    pairs: int


def effects(results: Results, factors: Sequence[str] = ()) -> Table:
    """Each setting's levels: marginal mean of the objective, difference from the reference, ratio of epoch times."""
    metric = goal(results).metric
    trials = complete(search(results.trials))
    rows: list[list[Cell]] = []
    unpaired = False
    for factor in factors or factors_of(results):
        levels = levels_of(results, trials, factor)
        for position, level in enumerate(levels if len(levels) > 1 else []):
            at = trials[is_level(trials, factor, level)]
            contrast = contrast_of(results, trials, factor, levels[0], level) if position else None
            unpaired |= contrast is not None and not contrast.pairs
            rows.append(
                [
                    factor,
                    text_of(level),
                    at["point"].nunique(),
                    len(at),
                    marginal(at, "value"),
                    contrast.difference if contrast else None,
                    contrast.pairs if contrast else None,
                    *(
                        ratio(results, trials, column, factor, levels[0], level) if position else None
                        for column in (SECONDS, MEMORY)
                    ),
                ]
            )
    headers = [
        Header("setting"),
        Header("level"),
        Header("points"),
        Header("trials"),
        metric_header("value", f"mean {metric}"),
        metric_header("value", "difference", signed=True),
        Header("pairs"),
        Header("ratio of epoch seconds", digits=3),
        Header("ratio of peak memory", digits=3),
    ]
    notes = [
        "difference: from the setting's first level, with bootstrap intervals over points that agree in all else "
        "(pairs), over seeds where there is one such group.",
    ]
    pruned = int((search(results.trials)["state"] == "PRUNED").sum())
    if pruned:
        notes.append(f"{pruned} pruned trials are left out, and settings that were often pruned look better for it.")
    if unpaired:
        notes.append(
            "0 pairs: no points agree in all other settings; the samples differ in those too, and the sampler chose."
        )
    return table("Effects of settings", headers, rows, notes)


def contrast_of(results: Results, trials: pd.DataFrame, factor: str, reference: object, level: object) -> Contrast:
    groups = matched(results, trials, factor, reference, level, "value")
    own_branch = any(derived(name, factor) for name in settings(results))
    paired = over_groups(groups)
    if paired and (len(groups) > 1 or not own_branch):
        return Contrast(paired, len(groups))
    ours, theirs = (
        trials[is_level(trials, factor, value)].groupby(["study", "point"])["value"].mean()
        for value in (level, reference)
    )
    return Contrast(statistics.welch(ours, theirs).estimate, 0)


def ratio(
    results: Results, trials: pd.DataFrame, column: str, factor: str, reference: object, level: object
) -> Estimate | None:
    """The level's figure over the reference's: the geometric mean over matched groups, bootstrapped."""
    known = trials[(trials[column] > 0).fillna(False)]
    logs = known.assign(logarithm=np.log(known[column].astype(float)))
    estimate = over_groups(matched(results, logs, factor, reference, level, "logarithm"))
    if estimate is None:
        return None
    return Estimate(math.exp(estimate.value), math.exp(estimate.low), math.exp(estimate.high), estimate.n)
