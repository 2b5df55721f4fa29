"""What each setting does: marginal means, paired differences, interactions of two, and the best of n per level.

A difference is *paired* where points exist that agree in every other setting (those of the setting's own branches
aside): then each such group and seed is compared with itself, and the groups are resampled. Where no two groups agree,
as in a search, the difference is of two independent samples of points and says so: other settings differ there too.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis import statistics
from analysis.query import Results
from analysis.statistics import Estimate
from analysis.table import Cell, Header, Table, shown, table
from analysis.views import cell, complete, goal, metric_header, search, settings
from search_spaces.distributions import as_param

MOST_LEVELS = 8
SECONDS = "steady_epoch_seconds"


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
                    time_ratio(results, trials, factor, levels[0], level) if position else None,
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


def factors_of(results: Results) -> list[str]:
    """The settings with a few levels, the scientific ones first."""
    scientific = [path for study in results.studies for path in study.spec.roles.scientific]
    points = results.points
    few = [
        name
        for name in settings(results)
        if 2 <= points[name].nunique(dropna=True) <= MOST_LEVELS
        and (not pd.api.types.is_float_dtype(points[name]) or points[name].nunique() < len(points) / 3)
    ]
    return sorted(few, key=lambda name: name not in scientific)


def levels_of(results: Results, trials: pd.DataFrame, factor: str) -> list[Hashable]:
    """The levels that trials have, in the order of the study file where that has one."""
    present: list[Hashable] = list(dict.fromkeys(trials[factor].dropna()))
    written: list[Hashable] = []
    for study in results.studies:
        for variable in study.spec.space.at(factor):
            if not hasattr(variable.distribution, "low"):
                written += [as_param(value) for value in variable.distribution.grid()]
    order = {level: position for position, level in reversed(list(enumerate(written)))}
    numbers = all(isinstance(level, int | float) for level in present)
    return sorted(present, key=lambda level: (order.get(level, len(order)), level if numbers else str(level)))


def is_level(trials: pd.DataFrame, factor: str, level: object) -> pd.Series[bool]:
    return (trials[factor] == level).fillna(False).astype(bool)


def marginal(trials: pd.DataFrame, column: str) -> Estimate:
    """The mean over points, each the mean of its seeds, with a bootstrap interval over points."""
    return statistics.bootstrap(trials.groupby(["study", "point"])[column].mean())


def contrast_of(results: Results, trials: pd.DataFrame, factor: str, reference: object, level: object) -> Contrast:
    groups = matched(results, trials, factor, reference, level, "value")
    if len(groups) > 1:
        return Contrast(statistics.bootstrap([float(group.mean()) for group in groups]), len(groups))
    if groups and not any(derived(name, factor) for name in settings(results)):
        return Contrast(statistics.bootstrap(groups[0]), 1)
    ours, theirs = (
        trials[is_level(trials, factor, value)].groupby(["study", "point"])["value"].mean()
        for value in (level, reference)
    )
    return Contrast(statistics.welch(ours, theirs).estimate, 0)


def matched(
    results: Results, trials: pd.DataFrame, factor: str, reference: object, level: object, column: str
) -> list[statistics.Array]:
    """For each group of points that agree in all else: level less reference, one difference a seed that both have."""
    others = [name for name in settings(results) if name != factor and not derived(name, factor)]
    pair = trials[is_level(trials, factor, reference) | is_level(trials, factor, level)]
    keys = ["study", *others]
    frame = pair[[*keys, factor, "replicate", column]].astype(dict.fromkeys(keys, "object"))
    found = []
    for _, group in frame.groupby(keys, dropna=False, sort=False):
        by_seed = group.pivot_table(index="replicate", columns=factor, values=column, aggfunc="mean", observed=True)
        if reference in by_seed and level in by_seed:
            differences = statistics.clean(by_seed[level].to_numpy(float) - by_seed[reference].to_numpy(float))
            if len(differences):
                found.append(differences)
    return found


def derived(name: str, factor: str) -> bool:
    """Whether a setting exists only within a branch of the factor, as ``optimizer.momentum`` does of the optimizer."""
    section = factor.removesuffix(".name")
    return factor.endswith(".name") and name.startswith(f"{section}.")


def time_ratio(
    results: Results, trials: pd.DataFrame, factor: str, reference: object, level: object
) -> Estimate | None:
    """The level's epoch time over the reference's: the geometric mean over matched groups, bootstrapped."""
    timed = trials[trials[SECONDS] > 0].assign(log_seconds=lambda rows: np.log(rows[SECONDS].astype(float)))
    groups = matched(results, timed, factor, reference, level, "log_seconds")
    if not groups:
        return None
    logs = [float(group.mean()) for group in groups] if len(groups) > 1 else groups[0]
    estimate = statistics.bootstrap(logs)
    return Estimate(math.exp(estimate.value), math.exp(estimate.low), math.exp(estimate.high), estimate.n)


def interactions(results: Results, first: str, second: str) -> Table:
    """Whether the effect of one setting depends on the other: differences of differences, paired over the rest."""
    trials = complete(search(results.trials))
    levels = levels_of(results, trials, first), levels_of(results, trials, second)
    rows: list[list[Cell]] = []
    for a in levels[0]:
        for b in levels[1]:
            at = trials[is_level(trials, first, a) & is_level(trials, second, b)]
            apart = a != levels[0][0] and b != levels[1][0]
            values = crossed(results, trials, (first, levels[0][0], a), (second, levels[1][0], b)) if apart else []
            rows.append(
                [
                    text_of(a),
                    text_of(b),
                    at["point"].nunique(),
                    marginal(at, "value") if len(at) else None,
                    statistics.bootstrap(values) if values else None,
                ]
            )
    headers = [
        Header(first),
        Header(second),
        Header("points"),
        metric_header("value", f"mean {goal(results).metric}"),
        metric_header("value", "interaction", signed=True),
    ]
    note = "interaction: how much more the two together do than the sum of each alone; 0 where they don't interact."
    return table(f"Interaction of {first} and {second}", headers, rows, [note])


def crossed(
    results: Results, trials: pd.DataFrame, first: tuple[str, object, object], second: tuple[str, object, object]
) -> list[float]:
    """(a1 b1 - a0 b1) - (a1 b0 - a0 b0) for each seed of each group of points that agree in all else."""
    factors = (first[0], second[0])
    others = [name for name in settings(results) if name not in factors and not any(derived(name, f) for f in factors)]
    keys = ["study", *others, "replicate"]
    cells = [(a, b) for a in first[1:] for b in second[1:]]
    found = []
    for _, group in trials.astype(dict.fromkeys(keys, "object")).groupby(keys, dropna=False, sort=False):
        means = [group.loc[is_level(group, factors[0], a) & is_level(group, factors[1], b), "value"] for a, b in cells]
        low_low, low_high, high_low, high_high = (float(mean.mean()) if len(mean) else math.nan for mean in means)
        found.append(high_high - low_high - high_low + low_low)
    return [value for value in found if math.isfinite(value)]


def best_of_n(results: Results, factor: str = "") -> Table:
    """The expected best of n points, for the study or for each level of a scientific factor."""
    rows = []
    for level, values in draws(results, factor).items():
        curve = statistics.best_of_n_curve(values, counts_shown(len(values)), smallest=goal(results).smallest)
        rows += [[level or None, n, estimate] for n, estimate in curve.items()]
    headers = [
        Header(factor or scientific(results) or "study"),
        Header("points"),
        metric_header("value", f"expected best {goal(results).metric}"),
    ]
    notes = [
        "Points count as drawn independently, as a random sampler draws them; one that learns does better with time.",
        "Pruned points count with the value that they were stopped at; failed ones don't count.",
    ]
    return table("Expected best of n points", headers, rows, notes)


def draws(results: Results, factor: str = "") -> dict[str, list[float]]:
    """The values of the points of each level, as the sampler drew them; all under one name where there is no factor."""
    name = factor or scientific(results)
    rows = search(results.trials)
    rows = rows[rows["state"].isin(["COMPLETE", "PRUNED"]) & (rows["origin"] != "first")]
    last = f"{goal(results).metric}_last"
    reached = rows["value"].fillna(rows[last].astype(float)) if last in rows else rows["value"]
    rows = rows.assign(reached=reached)
    levels = levels_of(results, rows, name) if name else []
    groups = {text_of(level): rows[is_level(rows, name, level)] for level in levels} if name else {"": rows}
    means = {level: group.groupby(["study", "point"])["reached"].mean().dropna() for level, group in groups.items()}
    return {level: [float(value) for value in values] for level, values in means.items() if len(values)}


def scientific(results: Results) -> str:
    """The scientific factor of the study, where it has one."""
    paths = [path for study in results.studies for path in study.spec.roles.scientific if path in results.trials]
    return paths[0] if paths else ""


def counts_shown(most: int) -> list[int]:
    """1, 2, 4, … and the last."""
    return sorted({2**i for i in range(most.bit_length()) if 2**i <= most} | ({most} if most else set()))


def text_of(level: object) -> str:
    value = cell(level)
    return shown(value, Header(""))
