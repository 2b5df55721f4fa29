"""What several tables and plots ask of the frames: the objective, what varies, what counts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.rendering import Cell, Header
from analysis.statistics import Estimate, Sample, accuracy, mean
from study.errors import UserError
from study.results.recipe_columns import recipe_column_name
from study.spec.sections import Objective

SHARES = ("accuracy", "f1", "top5", "precision", "recall")
"""What the names of metrics hold that are shares of a whole."""

STEERED = (
    "validation: test. These figures were steered by the test set and are no estimate of new data."
)


def goals(results: Frames) -> list[Objective]:
    """Return the objectives of the loaded studies, which must agree in metrics and directions."""
    found = [list(study.spec.objectives) for study in results.studies]
    ways = [[(aim.metric, aim.direction) for aim in objectives] for objectives in found]
    if any(other != ways[0] for other in ways[1:]):
        names = ", ".join(study.name for study in results.studies)
        raise UserError(
            f"the studies {names} have different objectives and can't be ranked together"
        )
    return found[0]


def goal(results: Frames) -> Objective:
    return goals(results)[0]


def settings(results: Frames) -> list[str]:
    """The recipe columns that the studies set, by their space or their first points, and in which
    points differ.

    A constant of one branch is left out: the branch's name says it.
    """
    return list(_settings(results))


@lru_cache(maxsize=4)
def _settings(results: Frames) -> tuple[str, ...]:
    set_paths: dict[str, None] = {}
    for study in results.studies:
        spec = study.spec
        firsts = [path for i in range(len(spec.first)) for path in spec.first_values(i)]
        set_paths |= dict.fromkeys(
            recipe_column_name(path) for path in (*sorted(spec.space.paths()), *firsts)
        )
    points = results.points
    differing = [
        name
        for name in set_paths
        if name in points.columns and points[name].nunique(dropna=False) > 1
    ]
    return tuple(
        name
        for name in differing
        if points[name].nunique() > 1 or _branch_of(name) not in differing
    )


def _branch_of(name: str) -> str:
    """The column that names the branch in which a setting exists: ``optimizer.name`` for
    ``optimizer.nesterov``.
    """
    return f"{name.rpartition('.')[0]}.name"


def setting_headers(names: list[str]) -> list[Header]:
    """Headers of recipe columns, shown by their last part where that is clear: ``lr``,
    ``optimizer``.
    """
    brief = [name.removesuffix(".name").rpartition(".")[2] for name in names]
    return [
        Header(name, short=short if brief.count(short) == 1 else "")
        for name, short in zip(names, brief, strict=True)
    ]


def metric_header(name: str, label: str = "", signed: bool = False) -> Header:
    """The header of a column of figures, with the unit and the digits that suit its metric."""
    if name.endswith("seconds"):
        return Header(label or name, "s", 1, signed)
    return Header(label or name, "", 4, signed)


def search(rows: pd.DataFrame) -> pd.DataFrame:
    """The trials of the search proper, without those of a confirmation."""
    return rows[rows["kind"] == "search"]


def complete(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["state"] == "COMPLETE"]


def counted(rows: pd.DataFrame) -> pd.DataFrame:
    """The trials that their points' values are the means of: all seeds of the points that have a
    value.
    """
    return rows[rows["counted"].fillna(False).astype(bool)]


def fresh(rows: pd.DataFrame) -> pd.DataFrame:
    """The complete trials on fresh seeds, as long as the search's, which a confirmation runs after
    the search.
    """
    outgrown = rows["outgrown"].fillna(False).astype(bool)
    return complete(rows[(rows["kind"] == "confirm") & ~outgrown])


def trials_of(rows: pd.DataFrame, point: Mapping[Any, Any]) -> pd.DataFrame:
    """The rows that belong to a point, which is a row of ``points``."""
    found: pd.DataFrame = rows[
        (rows["study"] == point["study"]) & (rows["point"] == point["point"])
    ]
    return found


def several(results: Frames) -> bool:
    return len(results.studies) > 1


def objective_text(objectives: list[Objective]) -> str:
    return ", ".join(f"{goal.metric} ({goal.direction})" for goal in objectives)


def over_seeds(group: pd.DataFrame, column: str) -> Estimate | None:
    """A figure's mean over the seeds in ``group``; a test accuracy's interval is over seeds and
    images.
    """
    if column not in group or not group[column].notna().any():
        return None
    return test_accuracy(group) if column == "test_accuracy" else metric_mean(group[column], column)


def test_accuracy(group: pd.DataFrame) -> Estimate:
    """The mean test accuracy over seeds, with an interval over seeds and images.

    Without one where there is one seed, or the number of test images isn't known.
    """
    values, images = group["test_accuracy"].dropna(), images_of(group, "test")
    if len(values) < 2 or not images:
        return Estimate(float(values.mean()), n=len(values))
    return accuracy(values, images)


def images_of(group: pd.DataFrame, purpose: str) -> int:
    """How many images there were for a purpose (train, validation, test), as the trainings said it
    in their ``data_fingerprint``; 0 where they didn't or differ in it.
    """
    if "data_fingerprint" not in group:
        return 0
    count = re.compile(rf"\b{purpose} (\d+)\b")
    counts = {
        found[1] for text in group["data_fingerprint"].dropna() if (found := count.search(text))
    }
    return int(counts.pop()) if len(counts) == 1 else 0


def metric_mean(sample: Sample, metric: str) -> Estimate:
    """A metric's mean with Student's interval, which ends where the metric does."""
    return within_metric(mean(sample), metric)


def within_metric(found: Estimate, metric: str) -> Estimate:
    """An estimate of a metric whose interval ends where the metric does: nothing is below 0, and no
    share above 1.
    """
    most = 1.0 if any(share in metric for share in SHARES) else math.inf
    return replace(found, low=max(found.low, 0.0), high=min(found.high, most))


def mean_of(group: pd.DataFrame, column: str) -> float | None:
    return float(group[column].mean()) if group[column].notna().any() else None


def cell(value: Any) -> Cell:
    """A frame's value as a cell: null as None, numpy's scalars as Python's."""
    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    plain: Cell = value.item() if hasattr(value, "item") else value
    return plain
