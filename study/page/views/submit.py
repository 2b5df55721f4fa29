"""A study file is written or pasted, previewed, and submitted."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import hdrs, web

from study.errors import SpecError, StudyNotFound, UserError
from study.page.access.forms import TOLD, is_form
from study.page.access.guard import RIGHTS, check_full
from study.page.actions import files
from study.page.actions.bodies import File, parse_body
from study.page.actions.doing import DOING
from study.page.actions.requests import sent
from study.page.answers import data_answer, in_thread, page_answer
from study.page.site import SITE, Site
from study.page.views.actions import as_conflict

_EMPTY = {"file": "", "storage": "", "lines": [], "error": ""}


async def submit_page(request: web.Request) -> web.Response:
    """Answer with the form, filled with what was previewed."""
    check_full(request[RIGHTS])
    kept = request.app[TOLD].get(request.query.get("draft", ""))
    site = request.app[SITE]
    content = {
        "draft": json.loads(kept) if kept else _EMPTY,
        "labels": list(site.library.storages),
        "can_start": request.app[DOING].launcher.can_start,
    }
    return page_answer(request, "submit.html.j2", content)


async def preview(request: web.Request) -> web.Response:
    """Answer with what a study file would do."""
    site, launcher = request.app[SITE], request.app[DOING].launcher
    body = await _body(request)
    if not is_form(request):
        return data_answer(await in_thread(files.preview, body, site.library.storages, launcher))
    draft: dict[str, Any] = {**_EMPTY, "file": body.file, "storage": body.storage}
    try:
        seen = await in_thread(files.preview, body, site.library.storages, launcher)
        draft["lines"] = seen["lines"]
    except UserError as error:
        draft["error"] = str(error)
    return _lead_to_draft(request, draft)


async def submit(request: web.Request) -> web.Response:
    """Have a study file's study run."""
    site, doing = request.app[SITE], request.app[DOING]
    body = await _body(request)

    def act() -> Any:
        with as_conflict():
            return files.submit(body, site.library.storages, doing.launcher)

    try:
        change = await doing.do("", "the study file", act)
    except SpecError as error:
        if not is_form(request):
            raise
        draft = {**_EMPTY, "file": body.file, "storage": body.storage, "error": str(error)}
        return _lead_to_draft(request, draft)
    text = "\n".join(change.lines)
    if not is_form(request):
        return data_answer({"message": text, "by_driver": change.is_asked, **change.facts})
    key = request.app[TOLD].keep(text)
    label = body.storage or next(iter(site.library.storages))
    page = await in_thread(_page_of, site, label, change.facts.get("study", ""))
    return web.Response(status=303, headers={hdrs.LOCATION: f"{page}?told={key}"})


def _page_of(site: Site, label: str, study: str) -> str:
    """Return the address of a study's page; of all studies while it isn't there: a job of a cluster
    takes a while to begin.
    """
    try:
        site.library.study(label, study)
    except StudyNotFound:
        return site.url("")
    return site.url("s", label, study)


async def _body(request: web.Request) -> File:
    tree = await sent(request)
    return parse_body(File, File.of_form(tree) if is_form(request) else tree)


def _lead_to_draft(request: web.Request, draft: dict[str, Any]) -> web.Response:
    key = request.app[TOLD].keep(json.dumps(draft))
    page = request.app[SITE].url("submit")
    return web.Response(status=303, headers={hdrs.LOCATION: f"{page}?draft={key}"})
