"""The curves that a study's page shows: those of the best points and of the trials that run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from study.journal.history import History
from study.journal.ranking import ranked
from study.journal.trials import Point, Trial
from study.page.drawing.curves import Curve
from study.spec.sections import column_of
from study.spec.spec import StudySpec

_BEST = 5
_RUNNING = 8
_OTHERS = 30
_MOST_EPOCHS = 200
"""More epochs than this are thinned."""


def best_points(history: History, spec: StudySpec) -> list[Point]:
    """Return the best points, the best first."""
    found = ranked(history.points, spec, whole_seeds=history.whole_seeds)
    return [point for _, point in found[:_BEST]]


def shown_curves(history: History, spec: StudySpec, best: Sequence[Point]) -> list[Curve]:
    """Return a curve for each of the best points, the mean over its seeds, and for each running
    trial.
    """
    metric = spec.objectives[0].metric
    curves = []
    for number, point in enumerate(best):
        curves.append(Curve(f"point {point.number}", _mean_curve(point, metric), number))
    running = [trial for trial in history.trials if trial.is_in_flight and trial.rows]
    for trial in running[:_RUNNING]:
        curves.append(Curve(f"trial {trial.number}", _curve_of(trial, metric), len(curves)))
    return [curve for curve in curves if curve.points]


def faint_curves(history: History, spec: StudySpec, best: Sequence[Point]) -> list[Curve]:
    """Return curves of other points, the latest ones."""
    metric = spec.objectives[0].metric
    numbers = {point.number for point in best}
    others = [point for point in history.points[-3 * _OTHERS :] if point.number not in numbers]
    curves = [Curve("", _mean_curve(point, metric), None) for point in others]
    return [curve for curve in curves if curve.points][-_OTHERS:]


def _mean_curve(point: Point, metric: str) -> list[tuple[int, Any]]:
    """Return the mean over a point's seeds, as far as all of them have come."""
    columns = [_curve_of(trial, metric) for trial in point.trials.values() if trial.rows]
    curve = []
    for rows in zip(*columns, strict=False):
        values = [value for _, value in rows]
        if all(isinstance(value, int | float) for value in values):
            curve.append((rows[0][0], sum(values) / len(values)))
    return curve


def _curve_of(trial: Trial, metric: str) -> list[tuple[int, Any]]:
    column = column_of(metric)
    step = max(1, len(trial.rows) // _MOST_EPOCHS)
    return [(row["epoch"], row.get(column)) for row in trial.rows[::step]]


def plot_data(curves: Sequence[Curve], metric: str) -> dict[str, Any]:
    """Return curves as the page's script plots them: one row of epochs, and values for each."""
    known = [dict(curve.known()) for curve in curves]
    epochs = sorted({x for points in known for x in points})
    series = []
    for curve, points in zip(curves, known, strict=True):
        values = [_rounded(points.get(x)) for x in epochs]
        series.append({"label": curve.label, "color": curve.color, "values": values})
    return {"metric": metric, "x": epochs, "series": series}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")
