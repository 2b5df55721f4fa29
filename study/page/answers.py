"""The same content as a page for people and as data for programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aiohttp import hdrs, web

from study.page.access.forms import TOLD, WORD, is_form
from study.page.access.guard import RIGHTS
from study.page.access.tokens import Rights
from study.page.site import SITE

_SUFFIX = ".json"
T = TypeVar("T")


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Call what reads, or takes a while, beside the server's other requests."""
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


def wants_data(request: web.Request) -> bool:
    """Whether the address is that of a page's data."""
    return request.path.endswith(_SUFFIX)


def takes_html(request: web.Request) -> bool:
    """Whether an answer that the address doesn't settle is shown to a person."""
    if is_form(request):
        return "application/json" not in request.headers.get(hdrs.ACCEPT, "")
    is_data = wants_data(request) or "/api/" in request.path
    return not is_data and "text/html" in request.headers.get(hdrs.ACCEPT, "")


def part(request: web.Request, name: str) -> str:
    """Return a part of the address, the data's suffix left out."""
    return request.match_info[name].removesuffix(_SUFFIX)


def data_answer(content: Mapping[str, Any]) -> web.Response:
    """Answer with data."""
    text = json.dumps(content, ensure_ascii=False, default=str)
    return web.Response(text=f"{text}\n", content_type="application/json")


def page_answer(request: web.Request, template: str, content: Mapping[str, Any]) -> web.Response:
    """Answer with a page."""
    site = request.app[SITE]
    rights = request.get(RIGHTS)
    may_act = rights is Rights.FULL
    common = {
        "may_look": rights is not None,
        "may_act": may_act,
        "word": request.app[WORD] if may_act else "",
        "told": request.app[TOLD].get(request.query.get("told", "")),
    }
    text = site.page(template, {**content, **common})
    return web.Response(text=text, content_type="text/html")
