"""What a worker may report of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from study.journal.failure import MISTAKE, Failure
from study.spec.sections import column_of

_NO_METRICS = ("epoch", "last", "seconds")
_OF_THE_MACHINE = ("seconds", "bytes", "per_second")
"""How figures end that two trainings of the same epoch need not share."""


def storable(value: Any) -> Any:
    """A figure as JSON has it: what is not finite is not a result, and is kept as null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def differing_figures(known: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of an epoch's second training that are not those of its first, times and memory
    left out.
    """
    differing = {}
    for name, value in again.items():
        is_figure = name in known and name not in _NO_METRICS
        if is_figure and not name.endswith(_OF_THE_MACHINE) and storable(value) != known[name]:
            differing[name] = storable(value)
    return differing


def fault_in(
    row: Mapping[str, Any], expected: int, metrics: Iterable[str], *, is_own: bool = False
) -> Failure | None:
    """What is wrong with an epoch's row: a gap, or an objective that is missing, no number or not
    finite.

    ``expected`` is the epoch that is due, ``metrics`` are the objectives' names. ``is_own`` says
    that a function of the user's own names the metrics.
    """
    epoch = row["epoch"]
    if epoch != expected:
        return Failure("error", f"epoch {epoch} was reported where epoch {expected} was due")
    for metric in metrics:
        if is_own and column_of(metric) not in row:
            return _unnamed(metric, row)
        value = row.get(column_of(metric))
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"{metric} must be a number in every epoch's row; found {value!r:.60}"
            return Failure("error", message, {"epoch": epoch})
        if not math.isfinite(value):
            return Failure("diverged", f"{metric} is {value} at epoch {epoch}", {"epoch": epoch})
    return None


def _unnamed(metric: str, row: Mapping[str, Any]) -> Failure:
    came = ", ".join(name for name in row if name not in _NO_METRICS) or "nothing"
    message = f"the objective {metric} must be among the metrics; reported: {came}"
    return Failure("invalid", message, {MISTAKE: row["epoch"] == 1})
