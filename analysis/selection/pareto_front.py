"""The points that no other one beats in two columns at once."""

from __future__ import annotations

import math

import pandas as pd

from analysis.frames import Frames
from analysis.selection.objectives import is_less_better, objectives_of
from analysis.selection.settings import varied_settings
from analysis.selection.trials import POINT_KEY, counted_trials, trials_with
from search_spaces.validation import closest_match
from study.errors import UserError

_COUNTS = frozenset(
    {
        "trainable_parameters",
        "epochs",
        "steps",
        "skipped_steps",
        "attempts",
        "nominal_cost",
        "rank",
        "pruned",
        "failed",
        "money",
        "lost_money",
        "left_out_files",
    }
)
"""Columns beside losses, errors, times and memory of which less is better; asked for ones too."""


def pareto_front(results: Frames, first: str, second: str) -> pd.DataFrame:
    """Return the points with a value on the Pareto front of two columns, best of the first first.

    Each has its study, number, seeds and settings; a column of the trials is the mean over the
    seeds that the point's value is of. Points that are equal in both columns are both on the front,
    the lower number first. UserError where a column holds no figures.
    """
    points = points_with_columns(results, first, second)
    costs = {"first": _cost_of(results, points, first), "second": _cost_of(results, points, second)}
    keys = points[POINT_KEY].assign(**costs)
    keys = keys.sort_values(["first", "second", *POINT_KEY], kind="stable")
    # from the best in the first column on, a point must beat all before it in the second
    least_before = keys["second"].cummin().shift(fill_value=math.inf)
    is_beaten = keys["second"] >= least_before
    equals = [keys["first"], keys["second"]]
    is_beaten = is_beaten.groupby(equals).transform("first")  # equals share the first one's fate
    return points.loc[keys.index[~is_beaten]]


def points_with_columns(results: Frames, first: str, second: str) -> pd.DataFrame:
    """Return the points that have a value and both columns, with what ``pareto_front`` gives."""
    points = results.points[results.points["value"].notna()]
    given = points[[*POINT_KEY, "seeds", *varied_settings(results)]].copy()
    for name in dict.fromkeys((first, second)):
        given[name] = _point_column(results, points, name)
    return given.dropna(subset=[first, second])


def _point_column(results: Frames, points: pd.DataFrame, name: str) -> pd.Series[float]:
    """Return a column of the points, or the mean of one of the trials over their counted seeds."""
    if _is_numeric(points, name):
        return points[name].astype(float)
    if not _is_numeric(results.trials, name):
        raise _no_figures(name, points, results.trials)
    trials = counted_trials(trials_with(results, [name]))
    means = trials.astype({name: float}).groupby(POINT_KEY)[name].mean()
    means_by_key = means.rename("mean").reset_index()
    of_points = points[POINT_KEY].merge(means_by_key, on=POINT_KEY, how="left")
    return of_points["mean"].set_axis(points.index).astype(float)


def _is_numeric(rows: pd.DataFrame, name: str) -> bool:
    return name in rows and pd.api.types.is_numeric_dtype(rows[name])


def _no_figures(name: str, points: pd.DataFrame, trials: pd.DataFrame) -> UserError:
    """Return the error for a column that holds no figures, with the name that may be meant."""
    known = [*points.select_dtypes("number").columns, *trials.select_dtypes("number").columns]
    meant = closest_match(name, [str(column) for column in known])
    hint = f" (did you mean {meant}?)" if meant else ""
    return UserError(
        f"a front is of two columns of figures of the points or trials, and {name!r:.60} is"
        f" none{hint}"
    )


def _cost_of(results: Frames, points: pd.DataFrame, column: str) -> pd.Series[float]:
    """Return a column so that less is better: as it is for a loss, negated for an accuracy."""
    return points[column] * (1.0 if _is_less_better(results, column) else -1.0)


def _is_less_better(results: Frames, column: str) -> bool:
    """Return whether less of a column of the points or trials is better."""
    if column.removeprefix("recipe.").removeprefix("config.") in _COUNTS:
        return True
    metrics = [objective.metric for objective in objectives_of(results)]
    by_column = dict(zip(("value", "value_2"), metrics, strict=False))
    by_column["fresh_value"] = metrics[0]
    metric = column.removesuffix("_best").removesuffix("_last")
    return is_less_better(results, by_column.get(column, metric))
