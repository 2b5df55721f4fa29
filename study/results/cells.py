"""How values that no column holds as they are become cells of a table."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping
from typing import Any

Row = dict[str, Any]
"""A row of a table: its cells by their columns' names. A cell that it lacks is null."""


def utc_time(seconds: float | None) -> datetime.datetime | None:
    """Return seconds since 1970 as a time in UTC; None stays None."""
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def json_text(value: object) -> str | None:
    """Return a value as JSON text; None for None and for what is empty."""
    if value is None:
        return None
    if isinstance(value, Mapping | list | tuple) and not value:
        return None
    plain = dict(value) if isinstance(value, Mapping) else value
    return json.dumps(plain, sort_keys=True, default=str)


def text(value: object) -> str | None:
    """Return text as it is, and any other value as JSON text."""
    return value if isinstance(value, str) else json_text(value)
