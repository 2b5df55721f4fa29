"""From journals to answers: ``load`` (``study.load``) has frames, tables and the best point,
``query_sql`` asks in SQL.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.results import Results, load
    from analysis.sql import query_sql

__all__ = ["Results", "load", "query_sql"]
HOMES = {"Results": "analysis.results", "load": "analysis.results", "query_sql": "analysis.sql"}


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    return getattr(import_module(HOMES[name]), name)
