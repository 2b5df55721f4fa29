"""Figures as the page's templates show them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from study.inspection.format import seconds_text, time_text
from study.inspection.status import share_text, spent_text
from study.inspection.time_left import time_left_text
from study.spec.parts.tariff import money_text

__all__ = [
    "best",
    "cost",
    "figure",
    "hours",
    "left",
    "moment",
    "money",
    "points",
    "share",
    "share_text",
    "spent",
    "value",
]


def figure(value: Any) -> str:
    """``0.9231``; nothing for what isn't known."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def value(setting: Any) -> str:
    """A setting: ``0.1``, ``sgd``, ``True``."""
    return f"{setting:.5g}" if isinstance(setting, float) else str(setting)


def best(row: Mapping[str, Any]) -> str:
    """``0.9231 [0.91, 0.93]``, by a row of the list."""
    if row.get("best") is None:
        return ""
    text = f"{row['best']:.4g}"
    if row.get("best_low") is None:
        return text
    return f"{text} [{row['best_low']:.4g}, {row['best_high']:.4g}]"


def points(row: Mapping[str, Any]) -> str:
    """``12 of 40``."""
    if row.get("points") is None:
        return ""
    ended = done(row)
    return f"{ended} of {row['of'] + (row.get('added') or 0)}"


def done(row: Mapping[str, Any]) -> int:
    """How many points have ended."""
    states: Mapping[str, int] = row.get("states") or {}
    return sum(states.get(state, 0) for state in ("COMPLETE", "PRUNED", "FAIL"))


def share(row: Mapping[str, Any]) -> int:
    """How much of a study is done, in percent."""
    wanted = (row.get("of") or 0) + (row.get("added") or 0)
    return min(100, round(100 * done(row) / wanted)) if wanted else 0


def cost(seconds: float | None) -> str:
    """``1.2 h`` of trials."""
    return seconds_text(seconds) if seconds else ""


def money(row: Mapping[str, Any]) -> str:
    """``3.40 EUR``, by a row of the list; nothing without prices."""
    if row.get("money") is None:
        return ""
    return money_text(row["money"], row.get("currency") or "")


def spent(row: Mapping[str, Any]) -> str:
    """``3.40 EUR of 50.00 EUR, 0.20 EUR of it for work done again``; nothing without prices."""
    return spent_text(row) if row.get("money") is not None else ""


def hours(seconds: float | None) -> str:
    """``12.3`` hours."""
    return f"{seconds / 3600:,.2f}" if seconds is not None else ""


def left(seconds: float | None) -> str:
    """``about 12 min``."""
    return time_left_text(seconds) if seconds is not None else ""


def moment(seconds: float | None) -> str:
    """``2026-11-21 20:15:10Z``."""
    return time_text(seconds) if seconds else ""


def ago(seconds: float) -> str:
    """``3 min ago``."""
    return f"{seconds_text(max(0.0, time.time() - seconds))} ago"
