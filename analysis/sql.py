"""SQL over any number of studies: the views ``points``, ``trials`` and ``epochs`` in an in-memory DuckDB.

The database has no access to files, network or extensions, and its settings are locked before the query runs, so a
query can read the views and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from analysis.query import STORAGE, Results, Source, load
from study.errors import UserError
from study.log import log_at
from study.paths import StudyPaths, studies_in
from study.places import Place, place

if TYPE_CHECKING:
    import duckdb

VIEWS = ("points", "trials", "epochs")


def query_sql(
    sql: str, studies: Results | Source | Iterable[Source] | None = None, *, storage: str | Place = STORAGE
) -> pa.Table:
    """The answer to one SELECT as an Arrow table; over every study in ``storage`` where none is named.

    UserError where DuckDB refuses the query, with its words.
    """
    import duckdb

    results = studies if isinstance(studies, Results) else load(studies or all_studies(storage), storage=storage)
    connection = duckdb.connect(":memory:", config={"enable_external_access": "false"})
    try:
        lock(connection, results)
        return answer(connection, sql)
    except duckdb.Error as error:
        raise UserError(f"the query can't be answered: {error}") from error
    finally:
        connection.close()


def lock(connection: duckdb.DuckDBPyConnection, results: Results) -> None:
    """Register the views, and leave the query no way to anything else."""
    for name in VIEWS:
        tables = [getattr(study.tables, name) for study in results.studies]
        connection.register(name, pa.concat_tables(tables, promote_options="default"))
    for setting in (
        "python_enable_replacements = false",
        "autoinstall_known_extensions = false",
        "autoload_known_extensions = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    import duckdb

    statements = connection.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UserError("a query is one SELECT over the views points, trials and epochs")
    return connection.sql(sql).to_arrow_table()


def all_studies(storage: str | Place) -> list[StudyPaths]:
    """Every study in a storage; UserError where there is none."""
    studies = [paths for paths in studies_in(place(storage)) if log_at(paths.journal).exists()]
    if not studies:
        raise UserError(f"there is no study in {storage}")
    return studies


def render(answer: pa.Table, form: str) -> str:
    """The answer as ``table``, ``csv`` or ``json``, or another of a table's forms."""
    from analysis.table import Header, table
    from analysis.views import cell

    headers = [Header(name) for name in answer.column_names]
    rows = [[cell(row[name]) for name in answer.column_names] for row in answer.to_pylist()]
    shown = table(f"{answer.num_rows} rows", headers, rows)
    return shown.render(form)
