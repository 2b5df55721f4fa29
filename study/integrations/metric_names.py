"""A library's metrics as a study has them: numbers, by names of lower-case letters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from numbers import Real
from typing import Any


def named_metrics(logged: Mapping[str, Any]) -> dict[str, float]:
    """Return what of the logged is a number, by the name that it has in a study.

    Names are brought to lower case, and what no name may hold becomes a line below:
    ``val/F1-macro`` is ``val_f1_macro``. Raises ValueError where two names become one.
    """
    numbers = {name: value for name, value in logged.items() if _is_number(value)}
    named = {_metric_name(name): float(value) for name, value in numbers.items()}
    if len(named) < len(numbers):
        raise ValueError(f"metrics must differ in more than signs; found {_alike(numbers)}")
    return named


def _metric_name(name: str) -> str:
    plain = re.sub(r"[^a-z0-9_]+", "_", name.lower()).strip("_")
    return plain if plain[:1].isalpha() else f"metric_{plain}"


def _is_number(value: object) -> bool:
    """Whether it is one number, be it in a tensor."""
    if isinstance(value, bool):
        return False
    return isinstance(value, Real) or getattr(value, "shape", None) == ()


def _alike(names: Mapping[str, Any]) -> str:
    by_metric: dict[str, list[str]] = {}
    for name in names:
        by_metric.setdefault(_metric_name(name), []).append(name)
    first = next(alike for alike in by_metric.values() if len(alike) > 1)
    return " and ".join(first)
