"""Figures and lists as the explanations' sentences have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from study.sampling.stop_rules import Values
from study.spec.sections import Objective

_MOST_LISTED = 5


def number_text(value: float) -> str:
    """``0.61234``, ``12``: as many digits as tell trials apart."""
    return f"{value:.6g}"


def value_text(value: Any) -> str:
    """A setting as a reader sees it."""
    return number_text(value) if isinstance(value, float) else str(value)


def values_text(objectives: Sequence[Objective], values: Values) -> str:
    """``val_accuracy 0.61 and total_seconds 12``."""
    named = zip(objectives, values, strict=True)
    return " and ".join(f"{objective.metric} {number_text(value)}" for objective, value in named)


def ordinal(number: int) -> str:
    """``1st``, ``2nd``, ``11th``."""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def list_text(numbers: Sequence[int]) -> str:
    """``3``, ``3, 4 and 8``, ``1, 2, 3, 4, 5 and 12 more``."""
    texts = [str(number) for number in numbers[:_MOST_LISTED]]
    if len(numbers) > _MOST_LISTED:
        return f"{', '.join(texts)} and {len(numbers) - _MOST_LISTED} more"
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"


def and_more(count: int, shown: int) -> list[str]:
    """A line that says how many rows aren't shown; none where all are."""
    return [f"  … and {count - shown} more (--format json has all)"] if count > shown else []
