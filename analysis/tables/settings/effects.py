"""What each setting does to the objective, and what it costs in time and memory.

A level is compared with the setting's first one over points (``analysis.selection.blocks``). Where
a pruner was at work the final values are those of the points that it let through; beside them
stands the comparison at the first epoch at which it decides, where every point still is. The
scientific factor of a method study is compared as such a study means it: the winner of each level
against the winner of the first on common fresh seeds, or what equal budgets may be expected to
find.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.blocks import compare_cells, point_means, unit_text
from analysis.selection.factors import factors_of, has_level, is_tuned_apart, level_text, levels_of
from analysis.selection.figures import metric_header, metric_mean
from analysis.selection.first_decision import (
    first_decision_epoch,
    first_seeds_at,
    points_failed_before,
)
from analysis.selection.objectives import objective_of
from analysis.selection.trials import counted_trials, search_trials
from analysis.statistics import LEVEL, Difference, Estimate, level_for
from analysis.tables.points.best_of_n import drawn_values
from analysis.tables.points.winners import fresh_difference, winner_of_level
from study.inspection.format import counted as counted_text

_SECONDS = "steady_epoch_seconds"
_MEMORY = "peak_memory_bytes"


@dataclass(frozen=True)
class _Effect:
    """A level against the first one: ``at(level)`` gives the difference with its interval at that
    level.
    """

    factor: str
    level: Hashable
    by: str
    """What it is compared over: ``12 pairs``, ``24 points``, ``winners on 5 fresh seeds`` …"""
    single: Difference
    """By itself."""
    together: Difference
    """With an interval and a p-value that hold together with those of all others in the table."""
    pairs: int = 0


def effects_table(results: Frames, factors: Sequence[str] = ()) -> Table:
    """Each setting's levels: what became of their points, their mean, and their difference from the
    first level.
    """
    chosen = list(factors) or factors_of(results)
    metric, trials = objective_of(results).metric, search_trials(results.trials)
    epoch = first_decision_epoch(results)
    comparisons = [pair for factor in chosen for pair in _pairs_of(results, factor)]
    family = _families(results, comparisons)
    found = {
        (f, level): level_effect(results, f, first, level, family[f])
        for f, first, level in comparisons
    }
    early = {
        (f, level): early_effect(results, f, first, level, epoch, family[f])
        for f, first, level in comparisons
    }
    rows: list[list[Cell]] = []
    for factor in chosen:
        levels, first = levels_of(results, trials, factor), _reference(results, factor)
        for level in levels if len(levels) > 1 else []:
            effect = found.get((factor, level))
            rows.append(
                [
                    factor,
                    level_text(level),
                    *_outcomes(results, factor, level),
                    None if is_tuned_apart(results, factor) else _marginal(results, factor, level),
                    _known(effect.single.estimate) if effect else None,
                    effect.pairs if effect else None,
                    effect.by if effect else None,
                    _known_difference(effect.together) if effect else None,
                    early.get((factor, level)),
                    *(
                        level_ratio(results, c, factor, first, level) if effect else None
                        for c in (_SECONDS, _MEMORY)
                    ),
                ]
            )
    headers = [
        Header("setting"),
        Header("level"),
        Header("points"),
        Header("trials"),
        Header("pruned", digits=2),
        Header("failed", digits=2),
        metric_header("value", f"mean {metric}"),
        replace(metric_header("value", "difference", signed=True), always=True),
        Header("pairs"),
        Header("compared over"),
        metric_header("value", "all together", signed=True),
        metric_header("value", f"difference at epoch {epoch}", signed=True),
        Header("ratio of epoch seconds", digits=3),
        Header("ratio of peak memory", digits=3),
    ]
    return make_table(
        "Effects of settings",
        headers,
        rows,
        _notes_on(results, found, epoch) if rows else ["Nothing varies."],
    )


def _pairs_of(results: Frames, factor: str) -> list[tuple[str, Hashable, Hashable]]:
    """The factor with the level that the others are compared with, and each of those."""
    levels = levels_of(results, search_trials(results.trials), factor)
    first = _reference(results, factor)
    return [(factor, first, level) for level in levels if level != first]


def _reference(results: Frames, factor: str) -> Hashable:
    """The first level of which any point has a value; the first of all where none has."""
    levels = levels_of(results, search_trials(results.trials), factor)
    valued = results.points[results.points["value"].notna()]
    return next(
        (level for level in levels if has_level(valued, factor, level).any()),
        levels[0] if levels else None,
    )


def _families(
    results: Frames, comparisons: Sequence[tuple[str, Hashable, Hashable]]
) -> dict[str, int]:
    """With how many comparisons those of each factor hold together.

    The scientific factor of a method study is what the study asks: its levels are compared among
    themselves, each with each other one, as the table of winners does. The other settings hold
    together with each other.
    """
    asked = {factor for factor, _, _ in comparisons if is_tuned_apart(results, factor)}
    others = sum(factor not in asked for factor, _, _ in comparisons)
    levels = {factor: 1 + sum(name == factor for name, _, _ in comparisons) for factor in asked}
    return {
        factor: math.comb(levels[factor], 2) if factor in asked else others
        for factor, _, _ in comparisons
    }


def _outcomes(results: Frames, factor: str, level: Hashable) -> list[Cell]:
    """Of a level's points: how many have a value, with how many trials, and which share was pruned
    and failed.
    """
    points = results.points[has_level(results.points, factor, level)]
    ended = points[points["state"].isin(["COMPLETE", "PRUNED", "FAIL"])]
    trials = counted_trials(results.trials)
    shares: list[Cell] = [
        float((ended["state"] == state).mean()) if len(ended) else None
        for state in ("PRUNED", "FAIL")
    ]
    lost = results.points["state"].isin(["PRUNED", "FAIL"]).any()
    return [
        int(points["value"].notna().sum()),
        int(has_level(trials, factor, level).sum()),
        *(shares if lost else [None, None]),
    ]


def _marginal(results: Frames, factor: str, level: Hashable) -> Estimate | None:
    """The mean over the level's points, each the mean of its seeds, with Student's interval over
    points.
    """
    trials = counted_trials(results.trials)
    means = point_means(results, trials, trials["value"])
    at = means.loc[has_level(means, factor, level), "figure"]
    return metric_mean(at, objective_of(results).metric) if len(at) else None


def level_effect(
    results: Frames, factor: str, first: Hashable, level: Hashable, comparisons: int
) -> _Effect:
    """A level against the first one, among so many comparisons in all."""
    if is_tuned_apart(results, factor):
        return _budget_effect(results, factor, first, level, comparisons)
    trials = counted_trials(results.trials)
    sides = compare_cells(
        results, trials, trials["value"], [[(factor, first)], [(factor, level)]], [-1, 1]
    )
    single, together = sides.estimate(), sides.estimate(level_for(comparisons))
    pairs = single.n if single.unit == "pairs" else 0
    return _Effect(factor, level, unit_text(single), single.difference, together.difference, pairs)


def _budget_effect(
    results: Frames, factor: str, first: Hashable, level: Hashable, comparisons: int
) -> _Effect:
    """A level of a method study against the first: winners on fresh seeds; else the best that equal
    budgets found.
    """
    ours, theirs = (winner_of_level(results, factor, value) for value in (level, first))
    if ours is not None and theirs is not None:
        single, together = (
            fresh_difference(results, ours, theirs, at) for at in (LEVEL, level_for(comparisons))
        )
        if single.estimate.n > 1:
            by = f"winners (points {ours} and {theirs}) on {single.estimate.n} fresh seeds"
            return _Effect(factor, level, by, single, together)
    samples, smallest = drawn_values(results, factor), objective_of(results).is_minimized
    values, others = (samples.get(level_text(value), []) for value in (level, first))
    single, together = (
        statistics.expected_best_difference(values, others, smallest=smallest, level=at)
        for at in (LEVEL, level_for(comparisons))
    )
    n = single.estimate.n
    return _Effect(factor, level, f"expected best of {n} points" if n else "", single, together)


def early_effect(
    results: Frames, factor: str, first: Hashable, level: Hashable, epoch: int, comparisons: int = 1
) -> Estimate | None:
    """The difference of all points' first seeds at the pruner's first decision; None where nothing
    is pruned.

    The intervals of so many comparisons hold together. Without one where a point of either level
    failed before that epoch: those that are left are no fair sample.
    """
    if not epoch:
        return None
    trials = first_seeds_at(results, epoch)
    sides = compare_cells(
        results, trials, trials["figure"], [[(factor, first)], [(factor, level)]], [-1, 1]
    )
    found = _known(sides.estimate(level_for(comparisons)).estimate)
    lost = points_failed_before(results, epoch)
    if found and (has_level(lost, factor, first).any() or has_level(lost, factor, level).any()):
        return Estimate(found.value, n=found.n)
    return found


def _known(estimate: Estimate) -> Estimate | None:
    return None if math.isnan(estimate.value) else estimate


def _known_difference(difference: Difference) -> Difference | None:
    """A difference that says something beside the single one: one with an interval or a p-value of
    its own.
    """
    return None if math.isnan(difference.p) else difference


def level_ratio(
    results: Frames, column: str, factor: str, first: Hashable, level: Hashable
) -> Estimate | None:
    """The level's figure over the first one's: the geometric mean, with Student's interval of the
    logarithms.
    """
    trials = counted_trials(results.trials)
    trials = trials[(trials[column] > 0).fillna(False)]
    logs = pd.Series(np.log(trials[column].astype(float)), index=trials.index)
    found = (
        compare_cells(results, trials, logs, [[(factor, first)], [(factor, level)]], [-1, 1])
        .estimate()
        .estimate
    )
    if math.isnan(found.value):
        return None
    return Estimate(math.exp(found.value), math.exp(found.low), math.exp(found.high), found.n)


def _notes_on(results: Frames, found: dict[tuple[str, Hashable], _Effect], epoch: int) -> list[str]:
    by = [effect.by for effect in found.values()]
    notes = [
        "difference: from the first level that has a value, with an interval that holds for this"
        " comparison by itself."
    ]
    apart = {factor for factor, _ in found if is_tuned_apart(results, factor)}
    others = [key for key in found if key[0] not in apart]
    if len(found) > 1:
        settled = f"the {len(others)} comparisons of" if len(others) > 1 else "that of"
        kinds = f"{settled} {'the other' if apart else 'these'} settings" if others else ""
        asked = [f"those between any two levels of {factor}" for factor in sorted(apart)]
        notes.append(
            f"all together: {', and '.join(filter(None, [kinds, *asked]))} hold at once, intervals"
            " and p values alike (Bonferroni): here a p below 0.05 is one."
        )
    if any("pairs" in text for text in by):
        notes.append(
            "pairs: two points that agree in all other settings, each the mean of its seeds."
        )
    if any("points" in text and "winners" not in text and "best of" not in text for text in by):
        notes.append(
            "points: the levels' points differ in other settings too, at the values that were"
            " drawn; in blocks: only points that agree in the other settings of a few levels are"
            " compared."
        )
    if any("winners" in text for text in by):
        notes.append(
            "winners: the best point of each level, chosen by the search, compared on seeds it"
            " never saw."
        )
    if any("best of" in text for text in by):
        notes.append(
            "expected best of n points: what equal budgets may be expected to find, n being a"
            " quarter of them."
        )
    if epoch:
        lost = len(points_failed_before(results, epoch))
        missing = (
            f" save for the {counted_text(lost, 'point')} that failed before: of its level there is"
            " no interval"
        )
        notes.append(
            f"The final values are of the points that the pruner let through. At epoch {epoch},"
            " where it first decides, every point's first seed is"
            f" compared{missing if lost else ''}, and pruning can't bias that; these intervals hold"
            " together."
        )
    if (results.points["state"] == "FAIL").any():
        notes.append(
            "failed: a level's share of failed points; they have no value, so its mean looks better"
            " for them."
        )
    return notes
