"""One study."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from aiohttp import web

from analysis.frames import Study
from analysis.report.chapter import Chapter, chapter_of
from analysis.results import Results
from study.page.answers import data_answer, in_thread, page_answer, part, wants_data
from study.page.readings.followed_study import FollowedStudy
from study.page.readings.rows import row_of
from study.page.site import SITE

_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)


async def study(request: web.Request) -> web.Response:
    """Answer with all that is known of a study."""
    library = request.app[SITE].library
    label, name = part(request, "label"), part(request, "name")
    found = await in_thread(library.study, request.match_info["label"], name)
    content = await in_thread(_content, found)
    if wants_data(request):
        return data_answer(_tree(content))
    return page_answer(request, "study.html.j2", {**content, "label": label, "name": name})


def _content(study: FollowedStudy) -> dict[str, Any]:
    """Read what is shown of a study."""
    with study.lock:
        study.read_on()
        row = row_of(study)
        results = Results((Study(study.paths, spec=study.spec, history=study.history),))
        chapter = _for_page(chapter_of(results))
        return {"row": row, "notes": study.notes, "chapter": chapter}


def _for_page(chapter: Chapter) -> Chapter:
    """Return the chapter with plots whose style stands in the page's style sheet, as a page may
    have none of its own.
    """
    sections = []
    for section in chapter.sections:
        plots = [replace(plot, svg=_STYLE.sub("", plot.svg)) for plot in section.plots]
        sections.append(replace(section, plots=tuple(plots)))
    return replace(chapter, sections=sections)


def _tree(content: dict[str, Any]) -> dict[str, Any]:
    """Return the same as data: the tables with their plain names and values."""
    chapter: Chapter = content["chapter"]
    tables = {}
    for section in chapter.sections:
        for name, table in section.tables:
            tables[name] = json.loads(table.json())
    return {
        **content["row"],
        "question": chapter.question,
        "answer": chapter.answer,
        "warnings": [*content["notes"], *chapter.warnings],
        "tables": tables,
    }
