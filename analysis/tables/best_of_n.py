"""What a number of points may be expected to reach: the best of n, for each level of a scientific
factor.
"""

from __future__ import annotations

import pandas as pd

from analysis import statistics
from analysis.factors import is_level, levels_of, scientific, text_of
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, table
from analysis.selection import goal, metric_header, search, within_metric

_DRAWN = "sampler"
"""The origin of points that count: those of the user's own and of a grid are no draws."""


def best_of_n(results: Frames, factor: str = "") -> Table:
    """The expected best of n points, for the study or for each level of a scientific factor."""
    rows: list[list[Cell]] = []
    for level, values in draws(results, factor).items():
        curve = statistics.best_of_n_curve(
            values, _counts_shown(len(values)), smallest=goal(results).is_minimized
        )
        metric = goal(results).metric
        rows += [
            [level or None, n, within_metric(estimate, metric)] for n, estimate in curve.items()
        ]
    headers = [
        Header(factor or scientific(results) or "study"),
        Header("points"),
        metric_header("value", f"expected best {goal(results).metric}"),
    ]
    notes = [
        (
            "Points count as drawn independently, as a random sampler draws them; one that learns"
            " does better with time. Points of the user's own, of first: and of a grid don't count."
        ),
        (
            "Pruned points count with the value that they were stopped at, failed ones with the"
            " worst of all."
        ),
        (
            "These are values of the search, luck included: what the best of n points is really"
            " worth is less."
        ),
        (
            "Intervals stand up to a quarter of the points: of more, the best one seen says too"
            " little."
        ),
    ]
    none = ["No points were drawn by a sampler."]
    return table("Expected best of n points", headers, rows, notes if rows else none)


def draws(results: Frames, factor: str = "") -> dict[str, list[float]]:
    """The values of the points of each level, as the sampler drew them; all under one name where
    there is no factor.
    """
    name = factor or scientific(results)
    points = _drawn_points(results)
    levels = levels_of(results, points, name) if name else []
    groups = (
        {text_of(level): points[is_level(points, name, level)] for level in levels}
        if name
        else {"": points}
    )
    return {
        level: list(group["reached"].astype(float)) for level, group in groups.items() if len(group)
    }


def _drawn_points(results: Frames) -> pd.DataFrame:
    """The ended points that the sampler drew, with what each has ``reached``."""
    points = results.points
    points = points[
        (points["origin"] == _DRAWN) & points["state"].isin(["COMPLETE", "PRUNED", "FAIL"])
    ]
    reached = points.set_index(["study", "point"])["value"].astype(float)
    reached = reached.fillna(_stopped_values(results).reindex(reached.index))
    worst = reached.max() if goal(results).is_minimized else reached.min()
    failed = (points["state"] == "FAIL").to_numpy()
    reached = reached.mask(failed, worst)
    return points.assign(reached=reached.to_numpy()).dropna(subset="reached")


def _stopped_values(results: Frames) -> pd.Series[float]:
    """What each point's first seed had reached when it was stopped: the objective's metric, by
    study and point.
    """
    at = {study.name: study.spec.objectives[0].at for study in results.studies}
    metric, rows = goal(results).metric, search(results.trials)
    rows = rows[rows["replicate"] == 0]
    keys = [rows["study"], rows["point"]]
    columns = {"best": f"{metric}_best", "last": f"{metric}_last"}
    if columns["last"] not in rows:
        return rows["value"].astype(float).groupby(keys).first()
    best_wanted = rows["study"].map(at) == "best"
    return (
        rows[columns["last"]]
        .mask(best_wanted, rows[columns["best"]])
        .astype(float)
        .groupby(keys)
        .first()
    )


def _counts_shown(most: int) -> list[int]:
    """1, 2, 4, … and the last."""
    return sorted(
        {2**i for i in range(most.bit_length()) if 2**i <= most} | ({most} if most else set())
    )
