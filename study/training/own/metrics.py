"""The metrics of a report: names and numbers, whatever kind of number a library gives.

Nothing here needs torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from search_spaces.validation import describe
from study.training.recipe.metric_catalog import FIXED_COLUMNS, TIME_METRICS

RESERVED_METRICS = FIXED_COLUMNS
"""The names of the tables' own columns."""
OWN_TIMES = TIME_METRICS
"""Objectives that a training function need not report: they are measured for it."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_MOST_METRICS = 1000
_LARGEST_INTEGER = 2**63 - 1


class MetricNameRefused(ValueError):
    """No metric can have this name: a mistake that each trial would make again."""


def checked_metrics(metrics: object) -> dict[str, float | int]:
    """Return what was reported as plain numbers by name.

    Numbers of numpy's and tensors without dimensions are numbers, too. Raises MetricNameRefused,
    TypeError or ValueError, with a sentence, where a name or a value can't be a metric.
    """
    if not isinstance(metrics, Mapping):
        raise TypeError(f"metrics must be a dict of numbers by name; found {_kind(metrics)}")
    if not metrics:
        raise ValueError("metrics must name at least one number; found none")
    if len(metrics) > _MOST_METRICS:
        raise ValueError(f"metrics must be at most {_MOST_METRICS}; found {len(metrics)}")
    return {_checked_name(name): _number(name, value) for name, value in metrics.items()}


def missing_objective(metrics: Iterable[str], objectives: Iterable[str]) -> str:
    """Return the first objective that isn't among the metrics; no text where all are."""
    reported = set(metrics)
    return next((name for name in objectives if name not in reported), "")


def not_finite(metrics: Mapping[str, float], names: Iterable[str]) -> str:
    """Return the first of these metrics that is no finite number; no text where all are."""
    return next((name for name in names if not math.isfinite(metrics[name])), "")


def _checked_name(name: object) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise MetricNameRefused(
            "a metric's name must be lower-case letters, digits and _, a letter first; found"
            f" {describe(name)}"
        )
    if name in RESERVED_METRICS:
        raise MetricNameRefused(
            f"a metric must not have the name of a column of every table: {name}"
        )
    return name


def _number(name: object, value: Any) -> float | int:
    """Return a number of any library's as Python's own."""
    plain = value
    if not isinstance(value, Real) and getattr(value, "shape", None) == ():
        plain = value.item()  # a tensor, or an array of numpy's, without dimensions
    is_number = isinstance(plain, Real) and not isinstance(plain, bool)
    if not is_number:
        raise TypeError(f"the metric {name} must be a number; found {_kind(value)}")
    if isinstance(plain, int) and abs(plain) <= _LARGEST_INTEGER:
        return int(plain)
    return float(plain)


def _kind(value: object) -> str:
    """Describe what is no metric by its class and, where it has one, its shape."""
    shape = getattr(value, "shape", None)
    shaped = f" of shape {tuple(shape)}" if isinstance(shape, tuple) and shape else ""
    if isinstance(value, str | bool | None):
        return describe(value)
    return f"{type(value).__name__}{shaped}"
