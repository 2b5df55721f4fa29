"""The points that no other one beats in two columns at once."""

from __future__ import annotations

import pandas as pd

from analysis.frames import Frames
from analysis.ranking import PLACE
from analysis.selection import counted, goals, settings
from search_spaces.validation import closest_match
from study.errors import UserError
from study.training.recipe.metric_catalog import is_minimized

_LESS = frozenset(
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
    }
)
"""Columns beside losses, errors, times and memory of which less is better."""


def front(results: Frames, first: str, second: str) -> pd.DataFrame:
    """The points with a value on the Pareto front of two columns, best of the first one first.

    Each with its study, number, seeds and settings; a column of the trials is the mean over the
    seeds that the point's value is of. Points that are equal in both columns are both on the front,
    the lower number first.
    """
    points = with_columns(results, first, second)
    costs = {"first": _cost_of(results, points, first), "second": _cost_of(results, points, second)}
    keys = points[PLACE].assign(**costs).sort_values(["first", "second", *PLACE], kind="stable")
    beaten = keys["second"] >= keys["second"].cummin().shift(fill_value=float("inf"))
    beaten = beaten.groupby([keys["first"], keys["second"]]).transform(
        "first"
    )  # equals share the first one's fate
    return points.loc[keys.index[~beaten]]


def with_columns(results: Frames, first: str, second: str) -> pd.DataFrame:
    """The points that have a value and both columns, with what ``front`` gives of them."""
    points = results.points[results.points["value"].notna()]
    given = points[[*PLACE, "seeds", *settings(results)]].copy()
    for name in dict.fromkeys((first, second)):
        given[name] = _point_column(results, points, name)
    return given.dropna(subset=[first, second])


def _point_column(results: Frames, points: pd.DataFrame, name: str) -> pd.Series[float]:
    """A column of the points, or the mean over their counted seeds of one of the trials; UserError
    for no figures.
    """
    if name in points and pd.api.types.is_numeric_dtype(points[name]):
        return points[name].astype(float)
    trials = counted(results.trials)
    if name not in trials or not pd.api.types.is_numeric_dtype(trials[name]):
        known = [
            str(column)
            for frame in (points, trials)
            for column in frame.select_dtypes("number").columns
        ]
        hint = closest_match(name, known)
        more = f" (did you mean {hint}?)" if hint else ""
        raise UserError(
            f"a front is of two columns of figures of the points or trials, and {name!r:.60} is"
            f" none{more}"
        )
    means = trials.astype({name: float}).groupby(PLACE)[name].mean().rename("mean").reset_index()
    found = points[PLACE].merge(means, on=PLACE, how="left")["mean"].set_axis(points.index)
    return found.astype(float)


def _cost_of(results: Frames, points: pd.DataFrame, column: str) -> pd.Series[float]:
    """The column so that less is better: as it is for a loss or a time, negated for an accuracy."""
    return points[column] * (1.0 if _smaller_is_better(results, column) else -1.0)


def _smaller_is_better(results: Frames, column: str) -> bool:
    """By the objective's direction where the column is one, else by the name."""
    aims = goals(results)
    directions = {aim.metric: aim.is_minimized for aim in aims}
    directions |= dict(zip(("value", "value_2"), (aim.is_minimized for aim in aims), strict=False))
    directions["fresh_value"] = aims[0].is_minimized
    metric = column.removesuffix("_best").removesuffix("_last")
    return directions.get(column, directions.get(metric, is_minimized(metric) or column in _LESS))
