"""What a number of points may be expected to reach: the best of n, for each level of a scientific
factor.
"""

from __future__ import annotations

import pandas as pd

from analysis import statistics
from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.factors import has_level, level_text, levels_of, scientific_factor
from analysis.selection.figures import clip_to_metric, metric_header
from analysis.selection.objectives import objective_of
from analysis.selection.trials import search_trials

_DRAWN = "sampler"
"""The origin of points that count: those of the user's own and of a grid are no draws."""


def best_of_n_table(results: Frames, factor: str = "") -> Table:
    """The expected best of n points, for the study or for each level of a scientific factor."""
    rows: list[list[Cell]] = []
    for level, values in drawn_values(results, factor).items():
        curve = statistics.expected_best_curve(
            values, _counts_shown(len(values)), smallest=objective_of(results).is_minimized
        )
        metric = objective_of(results).metric
        rows += [
            [level or None, n, clip_to_metric(estimate, metric)] for n, estimate in curve.items()
        ]
    headers = [
        Header(factor or scientific_factor(results) or "study"),
        Header("points"),
        metric_header("value", f"expected best {objective_of(results).metric}"),
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
    return make_table("Expected best of n points", headers, rows, notes if rows else none)


def drawn_values(results: Frames, factor: str = "") -> dict[str, list[float]]:
    """The values of the points of each level, as the sampler drew them; all under one name where
    there is no factor.
    """
    name = factor or scientific_factor(results)
    points = _drawn_points(results)
    levels = levels_of(results, points, name) if name else []
    groups = (
        {level_text(level): points[has_level(points, name, level)] for level in levels}
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
    worst = reached.max() if objective_of(results).is_minimized else reached.min()
    failed = (points["state"] == "FAIL").to_numpy()
    reached = reached.mask(failed, worst)
    return points.assign(reached=reached.to_numpy()).dropna(subset="reached")


def _stopped_values(results: Frames) -> pd.Series[float]:
    """What each point's first seed had reached when it was stopped: the objective's metric, by
    study and point.
    """
    at = {study.name: study.spec.objectives[0].at for study in results.studies}
    metric, rows = objective_of(results).metric, search_trials(results.trials)
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
