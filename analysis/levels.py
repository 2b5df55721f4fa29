"""The levels of a setting, and the points that agree in everything else."""

from __future__ import annotations

from collections.abc import Hashable

import pandas as pd

from analysis import statistics
from analysis.query import Results
from analysis.statistics import Estimate
from analysis.table import Header, shown
from analysis.views import cell, settings
from search_spaces.distributions import as_param

MOST_LEVELS = 8


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


def scientific(results: Results) -> str:
    """The scientific factor of the study, where it has one."""
    paths = [path for study in results.studies for path in study.spec.roles.scientific if path in results.trials]
    return paths[0] if paths else ""


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


def text_of(level: object) -> str:
    value = cell(level)
    return shown(value, Header(""))


def marginal(trials: pd.DataFrame, column: str) -> Estimate:
    """The mean over points, each the mean of its seeds, with a bootstrap interval over points."""
    return statistics.bootstrap(trials.groupby(["study", "point"])[column].mean())


def over_groups(groups: list[statistics.Array]) -> Estimate | None:
    """The mean over groups of points, bootstrapped; over the seeds of the one group where there is but one."""
    if not groups:
        return None
    return statistics.bootstrap([float(group.mean()) for group in groups] if len(groups) > 1 else groups[0])


def agreeing(results: Results, factors: tuple[str, ...]) -> list[str]:
    """The columns in which points must agree to be compared in ``factors``: all other settings, and the study."""
    others = [name for name in settings(results) if name not in factors and not any(derived(name, f) for f in factors)]
    return ["study", *others]


def matched(
    results: Results, trials: pd.DataFrame, factor: str, reference: object, level: object, column: str
) -> list[statistics.Array]:
    """For each group of points that agree in all else: level less reference, one difference a seed that both have."""
    ours, theirs = (
        by_group(trials, agreeing(results, (factor,)), is_level(trials, factor, value), column)
        for value in (level, reference)
    )
    return by_first(ours - theirs)


def by_group(trials: pd.DataFrame, keys: list[str], chosen: pd.Series[bool], column: str) -> pd.Series[float]:
    """The chosen trials' mean of a column, by group (points that agree in ``keys``) and replicate."""
    group = trials.astype(dict.fromkeys(keys, "object")).groupby(keys, dropna=False, sort=False).ngroup()
    own = trials.loc[chosen, column].astype(float)
    return own.groupby([group[chosen], trials.loc[chosen, "replicate"]]).mean()


def by_first(values: pd.Series[float]) -> list[statistics.Array]:
    """The values that are not missing, one array for each group."""
    present = values.dropna()
    return [statistics.clean(group) for _, group in present.groupby(level=0, sort=False)]


def derived(name: str, factor: str) -> bool:
    """Whether a setting exists only within a branch of the factor, as ``optimizer.momentum`` does of the optimizer."""
    section = factor.removesuffix(".name")
    return factor.endswith(".name") and name.startswith(f"{section}.")
