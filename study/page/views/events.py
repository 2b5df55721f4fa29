"""What changes while one looks, as server-sent events."""

from __future__ import annotations

from aiohttp import web

from study.page.answers import in_thread
from study.page.live.live import LIVE


async def list_events(request: web.Request) -> web.StreamResponse:
    """Send the rows of the list that change."""
    return await request.app[LIVE].watch_list(request)


async def study_events(request: web.Request) -> web.StreamResponse:
    """Send the parts of a study's page that change."""
    label, name = request.match_info["label"], request.match_info["name"]
    live = request.app[LIVE]
    await in_thread(live.study, label, name)  # it raises where the study isn't there
    return await live.watch_study(request, label, name)
