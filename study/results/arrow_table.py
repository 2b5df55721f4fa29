"""From rows, as mappings of columns' names to values, to an Arrow table of known types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import NoneType
from typing import Any

import pyarrow as pa

from study.results.cells import Row, text
from study.results.columns import BOOL, TEXT, TIME, Column
from study.results.figures import Figures
from study.results.schema import (
    TableName,
    arrow_schema,
    best_and_last_columns,
    unlisted_column,
)

_MICROSECONDS = 1e6
_OF_RECIPES = Figures()


def arrow_table(
    name: TableName,
    rows: Sequence[Row],
    metrics: Iterable[str] = (),
    figures: Figures = _OF_RECIPES,
) -> pa.Table:
    """Make a table of rows: first the listed columns, then the best and last value of further
    ``metrics``, then what else the rows hold, by name. ``figures`` are the study's.
    """
    columns = list(figures.listed_columns(name))
    names = {column.name for column in columns}
    for metric in metrics:
        both = best_and_last_columns(metric, is_less_better=figures.is_less_better(metric))
        columns += [each for each in both if each.name not in names]
    names = {column.name for column in columns}
    present = _names_in(rows)
    for other in sorted(present - names):
        values = [row.get(other) for row in rows]
        if any(value is not None for value in values):
            columns.append(unlisted_column(other, values))
    arrays = []
    for column in columns:
        if column.name in present:
            arrays.append(_array(column, [row.get(column.name) for row in rows]))
        else:
            arrays.append(pa.nulls(len(rows), column.type))
    return pa.Table.from_arrays(arrays, schema=arrow_schema(columns))


def _names_in(rows: Sequence[Row]) -> set[str]:
    """The columns that any row has a cell of."""
    names: set[str] = set()
    for row in rows:
        if not row.keys() <= names:  # most rows have the same, and asking is quicker than joining
            names |= row.keys()
    return names


def _array(column: Column, values: list[Any]) -> pa.Array:
    """One column's values. A value that is not of its type is missing rather than wrong."""
    if column.type == TIME:
        values = [_microseconds(value) for value in values]
    elif column.type == BOOL:
        values = [value if isinstance(value, bool) else None for value in values]
    else:
        types_found = {type(value) for value in values}
        if column.type == TEXT:
            if not types_found <= {str, NoneType}:
                values = [text(value) for value in values]
        elif types_found & {bool, str}:
            values = [None if isinstance(value, bool | str) else value for value in values]
    return pa.array(values, type=column.type, from_pandas=True)


def _microseconds(value: Any) -> Any:
    """Seconds since 1970 as Arrow's times count them; times that are ones stay as they are."""
    return round(value * _MICROSECONDS) if isinstance(value, int | float) else value
