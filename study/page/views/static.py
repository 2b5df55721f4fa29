"""The page's own files."""

from __future__ import annotations

from aiohttp import web

from study.page.site import SITE

_KEEP = "private, max-age=31536000, immutable"
"""An address changes with its file's content."""


async def static(request: web.Request) -> web.Response:
    """Answer with one of the page's files."""
    asset = request.app[SITE].assets.get(request.match_info["file"])
    if asset is None:
        raise web.HTTPNotFound
    response = web.Response(body=asset.content, content_type=asset.content_type, charset="utf-8")
    response.headers["Cache-Control"] = _KEEP
    response.enable_compression()
    return response
