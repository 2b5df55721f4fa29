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
from dataclasses import replace

from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.blocks import point_means
from analysis.selection.factors import (
    factors_of,
    has_level,
    is_tuned_apart,
    level_text,
    levels_of,
)
from analysis.selection.figures import metric_header, metric_mean
from analysis.selection.first_decision import (
    first_decision_epoch,
    points_failed_before,
)
from analysis.selection.objectives import objective_of
from analysis.selection.settings import varied_settings
from analysis.selection.trials import counted_trials, search_trials, trials_with
from analysis.statistics import Estimate
from analysis.tables.settings.level_effect import (
    LevelEffect,
    early_effect,
    if_known,
    level_effect,
    level_ratio,
)
from study.inspection.format import count_text
from study.journal.trials import ENDED_STATES

_SECONDS = "steady_epoch_seconds"
_MEMORY = "peak_memory_bytes"

_Comparison = tuple[str, Hashable, Hashable]
"""A factor, its reference level, and a level that is compared with that."""
_Key = tuple[str, Hashable]
"""A factor and a level of it."""


def effects_table(results: Frames, factors: Sequence[str] = ()) -> Table:
    """Return the levels of factors: what became of their points, their mean, their difference.

    Differences are from the first level that has a value. By default all factors are shown.
    """
    chosen = list(factors) or factors_of(results)
    epoch = first_decision_epoch(results)
    comparisons: list[_Comparison] = []
    for factor in chosen:
        comparisons += _comparisons_of(results, factor)
    family = _families(results, comparisons)
    found: dict[_Key, LevelEffect] = {}
    early: dict[_Key, Estimate | None] = {}
    for factor, first, level in comparisons:
        key = (factor, level)
        found[key] = level_effect(results, factor, first, level, family[factor])
        early[key] = early_effect(results, factor, first, level, epoch, family[factor])
    rows: list[list[Cell]] = []
    for factor in chosen:
        levels = levels_of(results, search_trials(trials_with(results, [factor])), factor)
        if len(levels) < 2:
            continue
        first = _reference_level(results, factor)
        for level in levels:
            key = (factor, level)
            rows.append(
                [
                    factor,
                    level_text(level),
                    *_outcome_cells(results, factor, level),
                    None if is_tuned_apart(results, factor) else _mean(results, factor, level),
                    *_effect_cells(found.get(key)),
                    early.get(key),
                    *_ratio_cells(results, factor, first, level),
                ]
            )
    metric = objective_of(results).metric
    headers = [
        Header("setting"),
        Header("level"),
        Header("points"),
        Header("trials"),
        Header("pruned", digits=2, unless_zero=True),
        Header("failed", digits=2, unless_zero=True),
        metric_header("value", f"mean {metric}"),
        replace(metric_header("value", "difference", signed=True), always=True),
        Header("pairs", unless_zero=True),
        Header("compared over"),
        metric_header("value", "all together", signed=True),
        metric_header("value", f"difference at epoch {epoch}", signed=True),
        Header("ratio of epoch seconds", digits=3),
        Header("ratio of peak memory", digits=3),
    ]
    notes = _notes_on(results, found, epoch) if rows else [_nothing_text(results)]
    return make_table("Effects of settings", headers, rows, notes)


def _nothing_text(results: Frames) -> str:
    """Return why there is no row."""
    if varied_settings(results):
        return (
            "No setting has levels to compare; how much each explains is in the table importance."
        )
    return "Nothing varies."


def _comparisons_of(results: Frames, factor: str) -> list[_Comparison]:
    """Return each level of a factor with the reference level, which it is compared with."""
    levels = levels_of(results, search_trials(trials_with(results, [factor])), factor)
    first = _reference_level(results, factor)
    return [(factor, first, level) for level in levels if level != first]


def _reference_level(results: Frames, factor: str) -> Hashable:
    """Return the first level of which any point has a value; the first of all where none has."""
    levels = levels_of(results, search_trials(trials_with(results, [factor])), factor)
    with_value = results.points[results.points["value"].notna()]
    for level in levels:
        if has_level(with_value, factor, level).any():
            return level
    return levels[0] if levels else None


def _families(results: Frames, comparisons: Sequence[_Comparison]) -> dict[str, int]:
    """Return for each factor with how many comparisons its own hold together.

    The scientific factor of a method study is what the study asks: its levels are compared among
    themselves, each with each other one, as the table of winners does. The other settings hold
    together with each other.
    """
    names = [factor for factor, _, _ in comparisons]
    asked = {factor for factor in names if is_tuned_apart(results, factor)}
    others = sum(factor not in asked for factor in names)
    family = dict.fromkeys(names, others)
    for factor in asked:
        levels = 1 + names.count(factor)
        family[factor] = math.comb(levels, 2)
    return family


def _outcome_cells(results: Frames, factor: str, level: Hashable) -> list[Cell]:
    """Return how many of a level's points have a value, their trials, the shares of lost points.

    The shares, of the pruned and of the failed among the ended, are there where any point is lost.
    """
    points = results.points[has_level(results.points, factor, level)]
    trials = counted_trials(trials_with(results, [factor]))
    ended = points[points["state"].isin(ENDED_STATES)]
    any_is_lost = results.points["state"].isin(["PRUNED", "FAIL"]).any()
    shares: list[Cell] = [None, None]
    if len(ended) and any_is_lost:
        shares = [float((ended["state"] == state).mean()) for state in ("PRUNED", "FAIL")]
    return [
        int(points["value"].notna().sum()),
        int(has_level(trials, factor, level).sum()),
        *shares,
    ]


def _mean(results: Frames, factor: str, level: Hashable) -> Estimate | None:
    """Return the mean over a level's points, each the mean of its seeds.

    The interval is Student's over points.
    """
    trials = counted_trials(trials_with(results))
    means = point_means(results, trials, trials["value"])
    figures = means.loc[has_level(means, factor, level), "figure"]
    return metric_mean(figures, objective_of(results).metric) if len(figures) else None


def _effect_cells(effect: LevelEffect | None) -> list[Cell]:
    """Return the cells of an effect; empty ones for the reference level.

    The difference that holds together with others is shown where it has a p-value: without one it
    says no more than the single one.
    """
    if effect is None:
        return [None, None, None, None]
    together = None if math.isnan(effect.together.p) else effect.together
    return [if_known(effect.single.estimate), effect.pairs, effect.by, together]


def _ratio_cells(results: Frames, factor: str, first: Hashable, level: Hashable) -> list[Cell]:
    if level == first:
        return [None, None]
    return [level_ratio(results, column, factor, first, level) for column in (_SECONDS, _MEMORY)]


def _notes_on(results: Frames, found: dict[_Key, LevelEffect], epoch: int) -> list[str]:
    notes = [
        "difference: from the first level that has a value, with an interval that holds for this"
        " comparison by itself."
    ]
    if len(found) > 1:
        notes.append(_together_note(results, found))
    notes += _unit_notes([effect.by for effect in found.values()])
    if epoch:
        notes.append(_pruning_note(results, epoch))
    if (results.points["state"] == "FAIL").any():
        notes.append(
            "failed: a level's share of failed points; they have no value, so its mean looks better"
            " for them."
        )
    return notes


def _together_note(results: Frames, found: dict[_Key, LevelEffect]) -> str:
    """Return which comparisons hold together."""
    factors = [factor for factor, _ in found]
    asked = sorted({factor for factor in factors if is_tuned_apart(results, factor)})
    others = sum(factor not in asked for factor in factors)
    families = []
    if others:
        comparisons = f"the {others} comparisons of" if others > 1 else "that of"
        families.append(f"{comparisons} {'the other' if asked else 'these'} settings")
    families += [f"those between any two levels of {factor}" for factor in asked]
    return (
        f"all together: {', and '.join(families)} hold at once, intervals and p values alike"
        " (Bonferroni): here a p below 0.05 is one."
    )


def _unit_notes(units: list[str]) -> list[str]:
    """Return what the units mean that effects are compared over."""
    is_of_winners = ["winners" in unit for unit in units]
    is_of_best = ["best of" in unit for unit in units]
    is_of_points = [
        "points" in unit and not (winners or best)
        for unit, winners, best in zip(units, is_of_winners, is_of_best, strict=True)
    ]
    notes = []
    if any("pairs" in unit for unit in units):
        notes.append(
            "pairs: two points that agree in all other settings, each the mean of its seeds."
        )
    if any(is_of_points):
        notes.append(
            "points: the levels' points differ in other settings too, at the values that were"
            " drawn; in blocks: only points that agree in the other settings of a few levels are"
            " compared."
        )
    if any(is_of_winners):
        notes.append(
            "winners: the best point of each level, chosen by the search, compared on seeds it"
            " never saw."
        )
    if any(is_of_best):
        notes.append(
            "expected best of n points: what equal budgets may be expected to find, n being a"
            " quarter of them."
        )
    return notes


def _pruning_note(results: Frames, epoch: int) -> str:
    """Return how the comparison at the pruner's first decision is to be read."""
    lost = len(points_failed_before(results, epoch))
    missing = ""
    if lost:
        missing = (
            f" save for the {count_text(lost, 'point')} that failed before: of its level there is"
            " no interval"
        )
    return (
        f"The final values are of the points that the pruner let through. At epoch {epoch},"
        f" where it first decides, every point's first seed is compared{missing}, and pruning can't"
        " bias that; these intervals hold together."
    )
