"""Figures as text that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any


def aligned_lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lay out rows of equal keys as a table, below a line with the keys."""
    if not rows:
        return []
    heads = list(rows[0])
    table = [heads]
    for row in rows:
        table.append([str(row[head]) for head in heads])
    widths = [max(len(text) for text in column) for column in zip(*table, strict=True)]
    lines = []
    for texts in table:
        cells = [text.ljust(width) for text, width in zip(texts, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def count_text(count: int, noun: str) -> str:
    """``1 point``, ``1,200 points``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def bytes_text(count: float) -> str:
    """``1.23 kB``, ``5 GB``: in powers of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} TB"


def seconds_text(seconds: float) -> str:
    """``3.21 s``, ``10 min``, ``10 h``."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    if seconds < 7200:
        return f"{seconds / 60:.3g} min"
    return f"{seconds / 3600:.3g} h"


def time_text(seconds: float) -> str:
    """A moment, given in seconds since 1970: ``2026-11-21 20:15:10Z``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
