"""A question in SQL over the studies, and its answer as a page, as data and as CSV."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pyarrow as pa
from aiohttp import web

from analysis.frames import Study
from analysis.rendering import Table
from analysis.results import Results
from analysis.sql import QueryLimits, answer_table, query_sql
from study.errors import StudyError, UserError
from study.page.answers import data_answer, in_thread, page_answer, wants_data
from study.page.readings.library import Library
from study.page.site import SITE

_LIMITS = QueryLimits()
_MOST_SHOWN = 500
"""So many rows stand on the page; data and CSV have more."""
_LONGEST_SQL = 10_000
_EXAMPLE = """\
SELECT study, count(*) AS points, max(value) AS best
FROM points GROUP BY study ORDER BY study"""


async def query(request: web.Request) -> web.Response:
    """Answer with what a query finds."""
    sql = request.query.get("sql", "").strip()
    if wants_data(request):
        table = await _answered(request, sql)
        return data_answer(json.loads(table.json()) | {"cut": _is_cut(table)})
    content: dict[str, Any] = {"sql": sql or _EXAMPLE, "table": None, "fault": "", "more": ""}
    if sql:
        try:
            table = await _answered(request, sql)
        except UserError as error:
            content["fault"] = str(error)
        else:
            content["table"] = Table(table.title, table.headers, table.rows[:_MOST_SHOWN])
            content["more"] = _more_text(table)
    response = page_answer(request, "query.html.j2", content)
    response.set_status(400 if content["fault"] else 200)
    return response


async def query_csv(request: web.Request) -> web.Response:
    """Answer with what a query finds, as CSV."""
    table = await _answered(request, request.query.get("sql", "").strip())
    headers = {"Content-Disposition": 'attachment; filename="query.csv"'}
    text = await in_thread(table.csv)
    return web.Response(text=text, content_type="text/csv", headers=headers)


async def _answered(request: web.Request, sql: str) -> Table:
    if not sql:
        raise UserError("a query is needed: ?sql=SELECT …")
    if len(sql) > _LONGEST_SQL:
        raise UserError(f"a query has at most {_LONGEST_SQL:,} characters; found {len(sql):,}")
    site = request.app[SITE]
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(site.queries, _answer, site.library, sql)


def _answer(library: Library, sql: str) -> Table:
    """Ask all studies that can be read."""
    studies = []
    for label, paths in library.listed():
        try:
            followed = library.study(label, paths.name)
            with followed.lock:
                followed.read_on()
                study = Study(paths, spec=followed.spec, history=followed.history)
                _ = study.all_tables  # while nothing is added to the history
            studies.append(study)
        except (StudyError, OSError):
            continue  # the list of studies says why it can't be read
    if not studies:
        raise UserError("there is no study to ask")
    answer: pa.Table = query_sql(sql, Results(tuple(studies)), limits=_LIMITS)
    return answer_table(answer)


def _is_cut(table: Table) -> bool:
    return len(table.rows) > _LIMITS.rows


def _more_text(table: Table) -> str:
    """Say how many rows aren't shown; nothing where all are."""
    if len(table.rows) <= _MOST_SHOWN:
        return ""
    count = f"more than {_LIMITS.rows:,}" if _is_cut(table) else f"{len(table.rows):,}"
    return f"The first {_MOST_SHOWN} of {count} rows; the CSV has up to {_LIMITS.rows + 1:,}."
