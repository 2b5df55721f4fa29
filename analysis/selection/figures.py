"""A figure over seeds: its mean and interval, the header of its column, its value as a cell."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import pandas as pd

from analysis.rendering import Cell, Header
from analysis.statistics import LEVEL, Estimate, Sample, mean, mean_accuracy
from study.training.recipe.metric_catalog import bounds_of


def metric_header(name: str, label: str = "", signed: bool = False) -> Header:
    """Return a column's header with the unit and the digits that suit its metric."""
    if name.endswith("seconds"):
        return Header(label or name, "s", 1, signed)
    return Header(label or name, "", 4, signed)


def mean_over_seeds(trials: pd.DataFrame, column: str) -> Estimate | None:
    """Return a figure's mean over the seeds in ``trials``; None where none of them has it.

    The interval is Student's over seeds; that of a test accuracy is over seeds and images.
    """
    if not has_figure(trials, column):
        return None
    if column == "test_accuracy":
        return mean_test_accuracy(trials)
    return metric_mean(trials[column], column)


def has_figure(rows: pd.DataFrame, column: str) -> bool:
    """Return whether any of the rows has a value in a column that need not be there."""
    return column in rows and bool(rows[column].notna().any())


def mean_test_accuracy(trials: pd.DataFrame, level: float = LEVEL) -> Estimate:
    """Return the mean test accuracy over seeds, with an interval over seeds and images.

    It has no interval where there is one seed, or the number of test images isn't known.
    """
    values = trials["test_accuracy"].dropna()
    images = image_count(trials, "test")
    if len(values) < 2 or not images:
        return Estimate(float(values.mean()), n=len(values), level=level)
    return mean_accuracy(values, images, level)


def image_count(trials: pd.DataFrame, purpose: str) -> int:
    """Return how many images there were to train, validate or test on, by the data fingerprints.

    ``purpose`` is ``train``, ``validation`` or ``test``. 0 where trainings didn't record it, or
    differ in it.
    """
    if "data_fingerprint" not in trials:
        return 0
    pattern = re.compile(rf"\b{purpose} (\d+)\b")
    counts = set()
    for fingerprint in trials["data_fingerprint"].dropna().unique():
        found = pattern.search(fingerprint)
        if found:
            counts.add(int(found[1]))
    return counts.pop() if len(counts) == 1 else 0


def metric_mean(sample: Sample, metric: str, level: float = LEVEL) -> Estimate:
    """Return the mean of a metric's values (n,) with Student's interval, within its bounds."""
    return clip_to_metric(mean(sample, level), metric)


def clip_to_metric(estimate: Estimate, metric: str) -> Estimate:
    """Return the estimate with an interval that ends where the metric does.

    A value beyond that tells that the metric is another one of that name, without such an end.
    """
    least, most = bounds_of(metric)
    if not least <= estimate.value <= most:
        return estimate
    return replace(estimate, low=max(estimate.low, least), high=min(estimate.high, most))


def mean_value(rows: pd.DataFrame, column: str) -> float | None:
    """Return a column's mean without an interval; None where no row has a value."""
    if not rows[column].notna().any():
        return None
    return float(rows[column].mean())


def as_cell(value: Any) -> Cell:
    """Return a frame's value as a table's cell: null as None, numpy's scalars as Python's."""
    if value is None or value is pd.NA:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    cell: Cell = value.item() if hasattr(value, "item") else value
    return cell
