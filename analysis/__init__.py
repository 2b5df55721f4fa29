"""From journals to answers: ``analysis.load("my-study").trials`` is a pandas frame, ``query_sql`` asks in SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.query import Results, load

__all__ = ["Results", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'analysis' has no attribute {name!r}")
    import analysis.query

    return getattr(analysis.query, name)
