"""What a worker may report of an epoch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from study.journal.failure import Failure


def storable(value: Any) -> Any:
    """A figure as JSON has it: what is not finite is not a result, and is kept as null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def fault_in(row: Mapping[str, Any], expected: int, metrics: Iterable[str]) -> Failure | None:
    """What is wrong with an epoch's row: a gap, or an objective that is missing, no number or not
    finite.
    """
    if row["epoch"] != expected:
        message = f"epoch {row['epoch']} was reported where epoch {expected} was due"
        return Failure("error", message)
    for metric in metrics:
        value = row.get("seconds" if metric == "total_seconds" else metric)
        if isinstance(value, bool) or not isinstance(value, int | float):
            message = f"{metric} must be a number in every epoch's row; found {value!r:.60}"
            return Failure("error", message, {"epoch": row["epoch"]})
        if not math.isfinite(value):
            message = f"{metric} is {value} at epoch {row['epoch']}"
            return Failure("diverged", message, {"epoch": row["epoch"]})
    return None
