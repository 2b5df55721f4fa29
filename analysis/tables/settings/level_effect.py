"""The difference of one level of a factor from another: in the objective, early on, as a ratio."""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.selection.blocks import compare_cells, unit_text
from analysis.selection.factors import (
    has_level,
    is_tuned_apart,
    level_text,
)
from analysis.selection.first_decision import (
    first_seeds_at,
    points_failed_before,
)
from analysis.selection.objectives import objective_of
from analysis.selection.trials import counted_trials, trials_with
from analysis.statistics import LEVEL, Contrast, Difference, Estimate, level_for
from analysis.tables.points.best_of_n import drawn_values
from analysis.tables.points.winners import fresh_difference, winner_of_level


@dataclass(frozen=True)
class LevelEffect:
    """The difference of a level from the reference level."""

    by: str
    """What it is compared over: ``12 pairs``, ``24 points``, ``winners on 5 fresh seeds`` …"""
    single: Difference
    """By itself."""
    together: Difference
    """With an interval and a p-value that hold together with those of all others in the table."""
    pairs: int = 0


def level_effect(
    results: Frames, factor: str, first: Hashable, level: Hashable, comparisons: int
) -> LevelEffect:
    """Return the difference of a level from the first one, among so many comparisons in all."""
    if is_tuned_apart(results, factor):
        winners = _effect_on_winners(results, factor, first, level, comparisons)
        return winners or _effect_at_equal_budget(results, factor, first, level, comparisons)
    trials = counted_trials(trials_with(results, [factor]))
    cells = [[(factor, first)], [(factor, level)]]
    comparison = compare_cells(results, trials, trials["value"], cells, [-1, 1])
    single = comparison.estimate()
    together = comparison.estimate(level_for(comparisons))
    pairs = single.n if single.unit == "pairs" else 0
    return LevelEffect(unit_text(single), single.difference, together.difference, pairs)


def _effect_on_winners(
    results: Frames, factor: str, first: Hashable, level: Hashable, comparisons: int
) -> LevelEffect | None:
    """Return how the levels' winners differ on fresh seeds; None with fewer than two in common."""
    ours = winner_of_level(results, factor, level)
    theirs = winner_of_level(results, factor, first)
    if ours is None or theirs is None:
        return None
    single = fresh_difference(results, ours, theirs, LEVEL)
    if single.estimate.n < 2:
        return None
    together = fresh_difference(results, ours, theirs, level_for(comparisons))
    by = f"winners (points {ours} and {theirs}) on {single.estimate.n} fresh seeds"
    return LevelEffect(by, single, together)


def _effect_at_equal_budget(
    results: Frames, factor: str, first: Hashable, level: Hashable, comparisons: int
) -> LevelEffect:
    """Return how the best that equal budgets may be expected to find differs."""
    by_level = drawn_values(results, factor)
    ours = by_level.get(level_text(level), [])
    theirs = by_level.get(level_text(first), [])
    smallest = objective_of(results).is_minimized
    single, together = (
        statistics.expected_best_difference(ours, theirs, smallest=smallest, level=at)
        for at in (LEVEL, level_for(comparisons))
    )
    n = single.estimate.n
    return LevelEffect(f"expected best of {n} points" if n else "", single, together)


def early_effect(
    results: Frames, factor: str, first: Hashable, level: Hashable, epoch: int, comparisons: int = 1
) -> Estimate | None:
    """Return the difference of all points' first seeds at the epoch of the first decision.

    None where that is 0, which says that nothing is pruned. The intervals of so many comparisons
    hold together. Without one where a point of either level failed before that epoch: those that
    are left are no fair sample.
    """
    if not epoch:
        return None
    trials = first_seeds_at(results, epoch, factor)
    found = _compare_levels(results, trials, trials["figure"], factor, first, level, comparisons)
    estimate = if_known(found.estimate)
    if estimate is None:
        return None
    lost = points_failed_before(results, epoch)
    if has_level(lost, factor, first).any() or has_level(lost, factor, level).any():
        return Estimate(estimate.value, n=estimate.n)
    return estimate


def _compare_levels(
    results: Frames,
    trials: pd.DataFrame,
    figure: pd.Series[float],
    factor: str,
    first: Hashable,
    level: Hashable,
    comparisons: int = 1,
) -> Contrast:
    """Return the difference of a figure of the trials between a level and the first one."""
    cells = [[(factor, first)], [(factor, level)]]
    comparison = compare_cells(results, trials, figure, cells, [-1, 1])
    return comparison.estimate(level_for(comparisons))


def level_ratio(
    results: Frames, column: str, factor: str, first: Hashable, level: Hashable
) -> Estimate | None:
    """Return a level's figure over the first one's, from the trials where it is above 0.

    It is the geometric mean, with Student's interval of the logarithms.
    """
    trials = counted_trials(trials_with(results, [factor, column]))
    trials = trials[(trials[column] > 0).fillna(False)]
    logs = pd.Series(np.log(trials[column].astype(float)), index=trials.index)
    found = _compare_levels(results, trials, logs, factor, first, level).estimate
    if math.isnan(found.value):
        return None
    return Estimate(math.exp(found.value), math.exp(found.low), math.exp(found.high), found.n)


def if_known(estimate: Estimate) -> Estimate | None:
    """Return the estimate; None where it has no value."""
    return None if math.isnan(estimate.value) else estimate
