"""Whether the server lives, for those who watch over servers."""

from __future__ import annotations

from aiohttp import web


async def health(request: web.Request) -> web.Response:
    """Answer without a token, and say nothing of any study."""
    return web.json_response({"status": "ok"})
