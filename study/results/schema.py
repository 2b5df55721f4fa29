"""The three tables and the columns of each.

points    one row for each point that was proposed
trials    one row for each trial, the failed and pruned ones included, with its whole recipe
epochs    one row for each finished epoch of a trial that counts

A column has one type in every study, so ``STORAGE/*/results/trials.parquet`` is one data set for
any reader. Known columns are listed in ``columns``, recipe columns take their types from the
recipe's fields, and a figure that no list knows is float64, bool or string. The version of the
schema travels in the Parquet files as ``schema_version``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from typing import Literal

import pyarrow as pa

from study.results.columns import (
    BOOL,
    EPOCH_COLUMNS,
    INTEGER,
    NUMBER,
    POINT_COLUMNS,
    TEXT,
    TRIAL_COLUMNS,
    Column,
)
from study.results.recipe_columns import recipe_columns
from study.training.recipe.metric_catalog import is_minimized

TableName = Literal["points", "trials", "epochs"]

_SCHEMA_VERSION = 1
_TABLES: tuple[TableName, ...] = ("points", "trials", "epochs")
_SPLITS = ("train", "val", "test")
_OWN_FIGURE = "a figure of the study's own"
_SEED = Column("seed", INTEGER, "the number of the replicate")
_CODE = Column("own_code", TEXT, "SHA-256 of the training's own modules at the last attempt")
_OF_EVERY_EPOCH = (
    "study",
    "trial",
    "point",
    "replicate",
    "epoch",
    "attempt",
    "time",
    "seconds",
)


def has_best_and_last(name: str) -> bool:
    """Whether a figure of the epoch rows is a quality, which has a best and a last value in
    ``trials``.
    """
    split, _, rest = name.partition("_")
    return split in _SPLITS and bool(rest) and not rest.endswith("seconds")


def best_and_last_columns(
    metric: str, unit: str = "", *, is_less_better: bool | None = None
) -> tuple[Column, Column]:
    """The two columns of ``trials`` for a metric of the epoch rows.

    Which values are better, the metric's nature says unless ``is_less_better`` does.
    """
    if is_less_better is None:
        is_less_better = is_minimized(metric)
    best = "lowest" if is_less_better else "highest"
    return (
        Column(f"{metric}_best", NUMBER, f"{best} {metric} of the epochs that count", unit),
        Column(f"{metric}_last", NUMBER, f"{metric} at the last epoch that counts", unit),
    )


def columns_of_own(table: TableName) -> tuple[Column, ...]:
    """The columns that a table has in every study with an own training, in their order."""
    if table == "points":
        return POINT_COLUMNS
    if table == "trials":
        return (*TRIAL_COLUMNS, _SEED, _CODE)
    return tuple(column for column in EPOCH_COLUMNS if column.name in _OF_EVERY_EPOCH)


@cache
def listed_columns(table: TableName) -> tuple[Column, ...]:
    """The columns that a table has in every study that trains recipes, in their order."""
    if table == "epochs":
        return EPOCH_COLUMNS
    if table == "points":
        return POINT_COLUMNS + tuple(each for each in recipe_columns() if each.name != "seed")
    metrics: list[Column] = []
    for column in EPOCH_COLUMNS:
        if has_best_and_last(column.name):
            metrics += best_and_last_columns(column.name, column.unit)
    return TRIAL_COLUMNS + tuple(metrics) + recipe_columns()


def unlisted_column(name: str, values: Iterable[object]) -> Column:
    """The column of a figure that no list knows, by its values; never an integer, so that it has
    one type in every study.
    """
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return Column(name, BOOL, _OWN_FIGURE)
    if all(isinstance(value, int | float) for value in present):
        return Column(name, NUMBER, _OWN_FIGURE)
    return Column(name, TEXT, _OWN_FIGURE)


@cache
def columns_fingerprint() -> str:
    """A hash of all listed columns: files of another one were written before a column came, and
    are not taken for whole.
    """
    lines = []
    for table in _TABLES:
        for column in listed_columns(table):
            lines.append(f"{table} {column.name} {column.type}")
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of these columns, with the schema's version and the columns' fingerprint."""
    metadata = {"schema_version": str(_SCHEMA_VERSION), "columns": columns_fingerprint()}
    return pa.schema([column.field for column in columns], metadata=metadata)
