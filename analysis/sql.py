"""SQL over any number of studies: the views ``points``, ``trials`` and ``epochs`` in an in-memory
DuckDB.

The database has no access to files, network or extensions, and its settings are locked before the
query runs, so a query can read the views and nothing else.
"""

from __future__ import annotations

import datetime
import decimal
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pyarrow as pa

from analysis.frames import STORAGE, Source
from analysis.query_columns import columns_in
from analysis.results import Results, load
from study.errors import UserError
from study.files.layout import StudyPaths, studies_in
from study.files.storage import StorageLike
from study.files.storage_uri import storage_path
from study.journal.log.log_storage import log_at

if TYPE_CHECKING:
    import duckdb

    from analysis.rendering import Cell, Table

_View = Literal["points", "trials", "epochs"]
_VIEWS: tuple[_View, ...] = ("points", "trials", "epochs")


@dataclass(frozen=True)
class QueryLimits:
    """How much a query may take that was sent from elsewhere."""

    seconds: float = 10.0
    rows: int = 10_000
    """Rows beyond these are left out."""
    memory_bytes: int = 512 << 20


def query_sql(
    sql: str,
    studies: Results | Source | Iterable[Source] | None = None,
    *,
    storage: StorageLike = STORAGE,
    limits: QueryLimits | None = None,
) -> pa.Table:
    """Return the answer to one SELECT as an Arrow table.

    It is asked of every study in ``storage`` where none is named. UserError where DuckDB refuses
    the query, with its words, or where it takes more than ``limits`` allow.
    """
    import duckdb

    if isinstance(studies, Results):
        results = studies
    else:
        results = load(studies or _all_studies(storage), storage=storage)
    connection = duckdb.connect(":memory:", config={"enable_external_access": "false"})
    try:
        _lock(connection, limits)
        with _interrupted_after(connection, limits):
            return _answer_from(connection, results, sql, limits)
    except duckdb.InterruptException as error:
        raise UserError("the query takes too long; ask for less") from error
    except duckdb.CatalogException as error:
        told = str(error).partition("\n")[0]  # what DuckDB takes for meant are its own tables
        raise UserError(
            f"the query can't be answered: {told} There are points, trials and epochs"
        ) from error
    except duckdb.Error as error:
        raise UserError(f"the query can't be answered: {error}") from error
    finally:
        connection.close()


@contextmanager
def _interrupted_after(
    connection: duckdb.DuckDBPyConnection, limits: QueryLimits | None
) -> Iterator[None]:
    """Interrupt what a connection does once its time is up."""
    if limits is None:
        yield
        return
    timer = threading.Timer(limits.seconds, connection.interrupt)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _views_in(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[_View, ...]:
    """Return which views a query speaks of: all of them where it speaks of anything else."""
    import duckdb

    try:
        named = {name.lower() for name in connection.get_table_names(sql)}
    except duckdb.Error:  # whose words are those of the answer
        return _VIEWS
    if not named or not named <= set(_VIEWS):
        return _VIEWS
    return tuple(view for view in _VIEWS if view in named)


def _answer_from(
    connection: duckdb.DuckDBPyConnection, results: Results, sql: str, limits: QueryLimits | None
) -> pa.Table:
    """Return the answer to a query from no more of the studies' tables than it takes."""
    import duckdb

    views, columns = _views_in(connection, sql), columns_in(connection, sql)
    _register(connection, results, views, columns)
    try:
        return _answer(connection, sql, limits)
    except duckdb.BinderException:  # whose words name what may be meant instead
        _register(connection, results, views, None)
        return _answer(connection, sql, limits)


def _register(
    connection: duckdb.DuckDBPyConnection,
    results: Results,
    views: Iterable[_View],
    columns: frozenset[str] | None,
) -> None:
    """Have a connection know the studies' tables as views, of these columns at least."""
    for name in views:
        tables = [study.table(name, columns) for study in results.studies]
        connection.register(name, pa.concat_tables(tables, promote_options="default"))


def _lock(connection: duckdb.DuckDBPyConnection, limits: QueryLimits | None) -> None:
    """Leave a query no way to anything but the views."""
    if limits is not None:
        connection.execute(f"SET memory_limit = '{limits.memory_bytes // 1_000_000}MB'")
        connection.execute("SET threads = 1")
    for setting in (
        "python_enable_replacements = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")


def _answer(
    connection: duckdb.DuckDBPyConnection, sql: str, limits: QueryLimits | None
) -> pa.Table:
    """Return the answer to a query; UserError where it is more or other than one SELECT."""
    import duckdb

    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UserError("a query is one SELECT over the views points, trials and epochs")
    answer = connection.sql(sql)
    if limits is not None:
        answer = answer.limit(limits.rows + 1)
    found = answer.to_arrow_table()
    return found.rename_columns(_distinct(found.column_names))


def _distinct(names: list[str]) -> list[str]:
    """Return the names, a repeated one with a number behind it, as joins bring them.

    ``a, a, a_1`` becomes ``a, a_2, a_1``: no name is given that another column has by itself.
    """
    distinct: list[str] = []
    for name in names:
        free, number = name, 0
        while free in distinct or (number and free in names):
            number += 1
            free = f"{name}_{number}"
        distinct.append(free)
    return distinct


def _all_studies(storage: StorageLike) -> list[StudyPaths]:
    """Return every study in a storage; UserError where there is none."""
    folders = studies_in(storage_path(storage))
    for paths in folders:
        paths.check_plain()
    studies = [paths for paths in folders if log_at(paths.journal).exists()]
    if not studies:
        raise UserError(f"there is no study in {storage}")
    return studies


def render_answer(answer: pa.Table, form: str) -> str:
    """Return the answer as ``table``, ``csv`` or ``json``, or another of a table's forms."""
    return answer_table(answer).render(form)


def answer_table(answer: pa.Table) -> Table:
    """Return the answer as a table to be shown."""
    from analysis.rendering import Header, Table

    columns = []
    for column in answer.itercolumns():
        columns.append([_cell_of(value) for value in column.to_pylist()])
    rows = tuple(zip(*columns, strict=True))
    headers = tuple(Header(name) for name in answer.column_names)
    return Table(f"{answer.num_rows} rows", headers, rows)


def _cell_of(value: object) -> Cell:
    """Return a value of any of DuckDB's types as a cell; what has no form of its own is text."""
    if value is None or isinstance(value, bool | int | float | str | datetime.datetime):
        return value
    if isinstance(value, decimal.Decimal):  # which sums of integers are
        is_whole = value == value.to_integral_value()
        return int(value) if is_whole else float(value)
    if isinstance(value, list | dict):
        return json.dumps(value, default=str)
    return str(value)
