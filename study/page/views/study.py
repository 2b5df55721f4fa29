"""One study."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from study.page.answers import data_answer, in_thread, page_answer, part, wants_data
from study.page.live.live import LIVE
from study.page.live.stream import marks_of
from study.page.live.study_parts import StudyParts
from study.page.readings.followed_study import FollowedStudy
from study.page.readings.rows import row_of
from study.page.site import SITE, Site

_PATIENCE_S = 0.15
"""The page doesn't wait longer for tables that are still being made: they come when they are."""
_LONG_PATIENCE_S = 300.0
_IS_FRAGMENT = "HX-Request"
"""The header by which a page asks for a part of itself."""


async def study(request: web.Request) -> web.Response:
    """Answer with all that is known of a study."""
    label, name = part(request, "label"), part(request, "name")
    site, live = request.app[SITE], request.app[LIVE]
    followed = await in_thread(site.library.study, label, name)
    if wants_data(request):
        return data_answer(await in_thread(_tree, site, followed))
    if request.query.get("part") == "offers" and _IS_FRAGMENT in request.headers:
        await in_thread(_read_on, followed)
        return page_answer(request, "study_offers.html.j2", {"label": label, "name": name})
    if request.query.get("part") == "plots":
        plots = await in_thread(site.chapters.plots.of, followed, _LONG_PATIENCE_S)
        content = {"label": label, "name": name, "section": plots.content, "fault": plots.fault}
        is_fragment = _IS_FRAGMENT in request.headers
        template = "study_plots.html.j2" if is_fragment else "study_plots_page.html.j2"
        return page_answer(request, template, content)
    patience_s = _LONG_PATIENCE_S if request.query.get("wait") else _PATIENCE_S
    content = await in_thread(_content, live.study(label, name), patience_s)
    question = followed.spec.question
    more = {"label": label, "name": name, "question": question, "metric": _metric_of(followed)}
    return page_answer(request, "study.html.j2", {**content, **more})


def _read_on(study: FollowedStudy) -> None:
    with study.lock:
        study.read_on()


def _metric_of(study: FollowedStudy) -> str:
    return study.spec.objectives[0].metric


def _content(parts: StudyParts, patience_s: float) -> dict[str, Any]:
    """Return the parts of a study's page."""
    found = parts.parts(patience_s)
    return {"parts": found, "known": marks_of(found), "drawing": parts.drawing()}


def _tree(site: Site, study: FollowedStudy) -> dict[str, Any]:
    """Return the same as data: the tables with their plain names and values."""
    with study.lock:
        study.read_on()
        row = row_of(study)
    made = site.chapters.chapters.of(study, _LONG_PATIENCE_S)
    chapter = made.content
    if chapter is None:
        text = made.fault or "the tables are still being made; ask again"
        raise web.HTTPServiceUnavailable(text=text)
    tables = {}
    for section in chapter.sections:
        for name, table in section.tables:
            tables[name] = json.loads(table.json())
    return {
        **row,
        "question": chapter.question,
        "answer": chapter.answer,
        "warnings": [*study.notes, *chapter.warnings],
        "tables": tables,
    }
