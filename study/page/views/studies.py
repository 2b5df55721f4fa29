"""All studies: the first page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web

from study.page import words
from study.page.answers import data_answer, in_thread, page_answer, wants_data
from study.page.live.list_parts import row_html, row_name
from study.page.live.stream import marks_of
from study.page.readings.library import Overview
from study.page.site import SITE, Site

_PATIENCE_S = 0.25
"""The page doesn't wait longer for studies that are read for the first time; programs do."""
_PROGRAMS_PATIENCE_S = 600.0
_SORTS: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "study": lambda row: (row["study"], row["label"]),
    "state": lambda row: row["state"],
    "best": lambda row: row.get("best"),
    "points": words.share,
    "failures": lambda row: row.get("failures"),
    "cost": lambda row: row.get("trial_seconds"),
    "left": lambda row: row.get("seconds_left"),
    "updated": lambda row: row.get("updated"),
}
"""By what the list can be sorted."""
_DOWNWARD = frozenset({"best", "points", "failures", "cost", "updated"})
"""What is sorted from the most to the least."""


async def studies(request: web.Request) -> web.Response:
    """Answer with the list of studies."""
    is_data = wants_data(request)
    patience_s = _PROGRAMS_PATIENCE_S if is_data else _PATIENCE_S
    overview = await in_thread(request.app[SITE].library.overview, patience_s)
    asked = asked_of(request.query)
    rows = chosen(overview, asked)
    if is_data:
        return data_answer({"studies": rows, "faults": overview.faults})
    site = request.app[SITE]
    content = {
        "known": _mark_of(site, overview),
        "row_name": row_name,
        "asked": asked,
        "rows": rows,
        "overview": overview,
        "sorted": "descending" if is_downward(asked) else "ascending",
    }
    return page_answer(request, "studies.html.j2", content)


def _mark_of(site: Site, overview: Overview) -> str:
    """Return by what the list is known to be the same: of all studies, not only those shown."""
    parts = {row_name(row): row_html(site, row) for row in overview.rows}
    return marks_of(parts, as_one=True)


def asked_of(query: Mapping[str, str]) -> dict[str, str]:
    """Return by what the list is filtered and sorted."""
    sort = query.get("sort", "")
    return {
        "q": query.get("q", "")[:100],
        "state": query.get("state", "")[:40],
        "sort": sort if sort in _SORTS else "updated",
        "order": "reverse" if query.get("order") == "reverse" else "",
    }


def chosen(overview: Overview, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the rows that are asked for, in the order asked for; what has no figure stands
    last.
    """
    rows = [row for row in overview.rows if _is_asked(row, asked)]
    rows.sort(key=_SORTS["study"])
    key = _SORTS[asked["sort"]]
    known = [row for row in rows if key(row) is not None]
    unknown = [row for row in rows if key(row) is None]
    known.sort(key=key, reverse=is_downward(asked))
    return known + unknown


def is_downward(asked: Mapping[str, str]) -> bool:
    """Whether the list begins with the most."""
    return (asked["sort"] in _DOWNWARD) != bool(asked["order"])


def _is_asked(row: Mapping[str, Any], asked: Mapping[str, str]) -> bool:
    text = f"{row['label']}/{row['study']}"
    is_state = not asked["state"] or row["state"] == asked["state"]
    return is_state and asked["q"].lower() in text
