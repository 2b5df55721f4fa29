"""Accuracy and cumulative seconds at named epochs: the form of the published tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from analysis.query import Results
from analysis.table import Cell, Header, Table, table
from analysis.views import cell, goal, metric_header, over_seeds, search, setting_headers, settings, several

USUAL_EPOCHS = (1, 5, 10, 20, 50, 100, 300, 500, 1000)
TOP = 5


def milestones(results: Results, epochs: Sequence[int] = (), top: int = TOP) -> Table:
    """Each first point and the ``top`` others at named epochs: the form of the published tables.

    Without ``epochs`` those of the published rows are taken, else the usual ones, and each point's last.
    """
    metric = goal(results).metric
    names = settings(results)
    metrics = [name for name in dict.fromkeys((metric, "test_accuracy", "train_accuracy")) if name in results.epochs]
    metrics = [name for name in metrics if results.epochs[name].notna().any()]
    rows: list[list[Cell]] = []
    for point in milestone_points(results, top):
        rows_of_point = epochs_of(results, point["study"], int(point["point"]))
        done = rows_of_point["epoch"].max() if len(rows_of_point) else 0
        for epoch in named_epochs(results, epochs, int(done)):
            at = rows_of_point[rows_of_point["epoch"] == epoch]
            rows.append(
                [
                    point["study"] if several(results) else None,
                    int(point["point"]),
                    epoch,
                    *(over_seeds(at, name) for name in metrics),
                    over_seeds(at, "seconds"),
                    len(at),
                    *(cell(point[name]) for name in names),
                ]
            )
    headers = [
        Header("study"),
        Header("point"),
        Header("epoch"),
        *(metric_header(name) for name in metrics),
        metric_header("seconds"),
        Header("seeds"),
        *setting_headers(names),
    ]
    return table("Milestones", headers, rows, ["seconds: training and evaluation, cumulative, the mean over seeds."])


def milestone_points(results: Results, top: int) -> list[dict[Any, Any]]:
    """The first points in their order, then the best others."""
    points = results.points
    firsts = points[points["origin"] == "first"]
    others = points[(points["origin"] != "first") & points["value"].notna()]
    best = others.sort_values("value", ascending=goal(results).smallest).iloc[:top]
    return [*firsts.to_dict("records"), *best.to_dict("records")]


def named_epochs(results: Results, epochs: Sequence[int], done: int) -> list[int]:
    """Which epochs to show of a point that has done so many."""
    asked = set(epochs) or published_epochs(results) or set(USUAL_EPOCHS)
    return sorted({epoch for epoch in asked if epoch <= done} | ({done} if done and not epochs else set()))


def published_epochs(results: Results) -> set[int]:
    rows = [row for study in results.studies for first in study.spec.first for row in first.published]
    return {epoch for row in rows if isinstance(epoch := row.get("epoch"), int)}


def epochs_of(results: Results, study: str, point: int) -> pd.DataFrame:
    """The epoch rows of a point's trials of the search."""
    trials = search(results.trials)
    numbers = trials.loc[(trials["study"] == study) & (trials["point"] == point), "trial"]
    rows = results.epochs
    return rows[(rows["study"] == study) & rows["trial"].isin(numbers)]
