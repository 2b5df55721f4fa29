"""Accuracy and cumulative seconds at named epochs: the form of the published tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.curves import curve_trials, epoch_rows_of
from analysis.selection.figures import as_cell, mean_over_seeds, metric_header
from analysis.selection.objectives import objective_of
from analysis.selection.ranking import ranked_points
from analysis.selection.settings import setting_headers, varied_settings
from analysis.selection.trials import POINT_KEY, has_several_studies, rows_of_point

_USUAL_EPOCHS = (1, 5, 10, 20, 50, 100, 300, 500, 1000)
_TOP = 5
_SECONDS = "seconds: training and evaluation, cumulative, the mean over seeds."
_PART = (
    "k of r seeds: the others had ended or not come so far, so the row's figures are those k seeds'"
    " own and no mean of the point: whoever goes on is often the better one."
)


def milestones_table(results: Frames, epochs: Sequence[int] = (), top: int = _TOP) -> Table:
    """Each first point and the ``top`` others at named epochs: the form of the published tables.

    Without ``epochs`` those of the published rows are taken, else the usual ones, and each point's
    last.
    """
    metrics, names = _metrics_shown(results), varied_settings(results)
    trials = curve_trials(results.trials)
    rows = epoch_rows_of(results, trials)
    lines: list[list[Cell]] = []
    for point in _milestone_points(results, top):
        own, begun = rows_of_point(rows, point), len(rows_of_point(trials, point))
        for epoch in _named_epochs(results, epochs, own):
            at = own[own["epoch"] == epoch]
            lines.append(
                [
                    point["study"] if has_several_studies(results) else None,
                    int(point["point"]),
                    epoch,
                    *(mean_over_seeds(at, name) for name in metrics),
                    mean_over_seeds(at, "seconds"),
                    len(at) if len(at) == begun else f"{len(at)} of {begun}",
                    *(as_cell(point[name]) for name in names),
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
    in_part = any(isinstance(line[-len(names) - 1], str) for line in lines)
    return make_table("Milestones", headers, lines, [_SECONDS, *([_PART] if in_part else [])])


def _metrics_shown(results: Frames) -> list[str]:
    """The objective's metric and the accuracies, where the epochs hold them."""
    names = dict.fromkeys((objective_of(results).metric, "test_accuracy", "train_accuracy"))
    return [name for name in names if name in results.epochs and results.epochs[name].notna().any()]


def _milestone_points(results: Frames, top: int) -> list[dict[Any, Any]]:
    """The first points in their order, then the best others."""
    points, order = results.points, ranked_points(results)
    firsts = points[points["origin"] == "first"].sort_values(POINT_KEY, kind="stable")
    others = order[order["origin"] != "first"].head(top)
    return [*firsts.to_dict("records"), *others.to_dict("records")]


def _named_epochs(results: Frames, epochs: Sequence[int], rows: pd.DataFrame) -> list[int]:
    """Which epochs to show of a point, of those that it has rows of."""
    done = {int(epoch) for epoch in rows["epoch"]}
    asked: Iterable[int] = set(epochs) or _published_epochs(results) or set(_USUAL_EPOCHS)
    last = {max(done)} if done and not epochs else set()
    return sorted(done & set(asked) | last)


def _published_epochs(results: Frames) -> set[int]:
    rows = [
        row for study in results.studies for first in study.spec.first for row in first.published
    ]
    return {epoch for row in rows if isinstance(epoch := row.get("epoch"), int)}
