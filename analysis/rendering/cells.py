"""A table's cells and the headers above them: as a reader sees them, and as programs read them."""

from __future__ import annotations

import datetime
import math
from dataclasses import dataclass
from typing import Any, TypeAlias

from analysis.estimates import Difference, Estimate

Cell: TypeAlias = str | int | float | bool | datetime.datetime | Estimate | Difference | None


@dataclass(frozen=True)
class Header:
    """A column's name, the unit of its figures, their digits after the point, a name for readers.

    ``signed`` figures have a plus sign. ``always``: an estimate's column that programs rely on,
    which stays where no row fills it. ``unless_zero``: readers don't see the column where every
    figure of it is 0.
    """

    name: str
    unit: str = ""
    digits: int | None = None
    signed: bool = False
    short: str = ""
    always: bool = False
    unless_zero: bool = False

    def __str__(self) -> str:
        name = self.short or self.name
        return f"{name} [{self.unit}]" if self.unit else name


def cell_text(cell: Cell, header: Header) -> str:
    """Return a cell as a reader sees it under its header."""
    if cell is None:
        return ""
    if isinstance(cell, Difference):
        return _estimate_text(cell.estimate, header) + _p_text(cell.p)
    if isinstance(cell, Estimate):
        return _estimate_text(cell, header)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int | float):
        return format_number(cell, header.digits, header.signed)
    if isinstance(cell, datetime.datetime):
        return cell.strftime("%Y-%m-%d %H:%M:%S")
    return cell


def _estimate_text(estimate: Estimate, header: Header) -> str:
    """Return a value with its interval: ``0.953 [0.947, 0.959]``."""
    value = format_number(estimate.value, header.digits, header.signed)
    if math.isnan(estimate.low):
        return value
    low = format_number(estimate.low, header.digits, header.signed)
    high = format_number(estimate.high, header.digits, header.signed)
    return f"{value} [{low}, {high}]"


def _p_text(p: float) -> str:
    if math.isnan(p):
        return ""
    return f" p {p:.3f}" if p >= 0.001 else " p <0.001"


def format_number(value: float, digits: int | None = None, signed: bool = False) -> str:
    """Return a figure for reading: ``digits`` after the point, or four that count."""
    sign = "+" if signed else ""
    if isinstance(value, int) and digits is None:
        return f"{value:{sign},}"
    if math.isnan(value):
        return ""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if digits is not None:
        return f"{value:{sign},.{digits}f}"
    text = f"{value:.4g}"
    return f"+{text}" if signed and value > 0 else text


def is_known(cell: Cell) -> bool:
    """Return whether a cell says anything: it isn't empty, and no figure that isn't known."""
    if isinstance(cell, Difference):
        cell = cell.estimate
    if isinstance(cell, Estimate):
        cell = cell.value
    if isinstance(cell, float):
        return not math.isnan(cell)
    return cell not in (None, "")


def is_figure(cell: Cell) -> bool:
    """Return whether a cell is a number, or an estimate of one."""
    return isinstance(cell, int | float | Estimate | Difference)


def part_of(cell: Cell, suffix: str) -> Any:
    """Return what of a cell stands in the plain column with this suffix, in plain data.

    An estimate is spread over ``""``, ``_low``, ``_high`` and ``_n``, a difference over ``_p`` too.
    """
    estimate = cell.estimate if isinstance(cell, Difference) else cell
    if suffix == "":
        value = estimate.value if isinstance(estimate, Estimate) else cell
    elif suffix == "_p":
        value = cell.p if isinstance(cell, Difference) else None
    else:
        value = getattr(estimate, suffix.removeprefix("_"), None)
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return a value that JSON and CSV can hold: nothing for nan, text for inf and times."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="seconds")
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return value
