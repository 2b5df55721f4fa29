"""Accuracy and cumulative seconds at named epochs: the form of the published tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Cell, Header, Table, make_table
from analysis.selection.curves import curve_trials, epoch_rows_of
from analysis.selection.figures import as_cell, has_figure, mean_over_seeds, metric_header
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
    """Return each first point and the ``top`` others at named epochs, by means over seeds.

    Without ``epochs`` those of the published rows are taken, else the usual ones, and each point's
    last.
    """
    metrics = _metrics_shown(results)
    settings = varied_settings(results)
    trials = curve_trials(results.trials)
    epoch_rows = epoch_rows_of(results, trials)
    rows: list[list[Cell]] = []
    any_is_partial = False
    for point in _points_shown(results, top):
        own = rows_of_point(epoch_rows, point)
        begun = len(rows_of_point(trials, point))
        for epoch in _epochs_shown(results, epochs, own):
            at_epoch = own[own["epoch"] == epoch]
            is_partial = len(at_epoch) != begun
            any_is_partial |= is_partial
            rows.append(
                [
                    point["study"] if has_several_studies(results) else None,
                    int(point["point"]),
                    epoch,
                    *[mean_over_seeds(at_epoch, name) for name in metrics],
                    mean_over_seeds(at_epoch, "seconds"),
                    f"{len(at_epoch)} of {begun}" if is_partial else begun,
                    *[as_cell(point[name]) for name in settings],
                ]
            )
    headers = [
        Header("study"),
        Header("point"),
        Header("epoch"),
        *[metric_header(name) for name in metrics],
        metric_header("seconds"),
        Header("seeds"),
        *setting_headers(settings),
    ]
    notes = [_SECONDS, _PART] if any_is_partial else [_SECONDS]
    return make_table("Milestones", headers, rows, notes)


def _metrics_shown(results: Frames) -> list[str]:
    """Return the objective's metric and the accuracies, where the epochs hold them."""
    names = dict.fromkeys((objective_of(results).metric, "test_accuracy", "train_accuracy"))
    return [name for name in names if has_figure(results.epochs, name)]


def _points_shown(results: Frames, top: int) -> list[dict[Any, Any]]:
    """Return the first points in their order, then the best others."""
    points = results.points
    firsts = points[points["origin"] == "first"].sort_values(POINT_KEY, kind="stable")
    ranked = ranked_points(results)
    others = ranked[ranked["origin"] != "first"].head(top)
    return [*firsts.to_dict("records"), *others.to_dict("records")]


def _epochs_shown(results: Frames, wanted: Collection[int], rows: pd.DataFrame) -> list[int]:
    """Return which epochs to show of a point, of those that it has rows of."""
    done = {int(epoch) for epoch in rows["epoch"]}
    if wanted:
        return sorted(done & set(wanted))
    named = _published_epochs(results) or set(_USUAL_EPOCHS)
    last = {max(done)} if done else set()
    return sorted(done & named | last)


def _published_epochs(results: Frames) -> set[int]:
    """Return the epochs of the rows that the study files say were published."""
    epochs = set()
    for study in results.studies:
        for first in study.spec.first:
            for row in first.published:
                epoch = row.get("epoch")
                if isinstance(epoch, int):
                    epochs.add(epoch)
    return epochs
