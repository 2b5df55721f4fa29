"""The server's application: its addresses, and what stands before each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from study.page.access.forms import TOLD, WORD, Told, word_of
from study.page.access.guard import Guard
from study.page.access.hosts import served_names
from study.page.access.tokens import Tokens
from study.page.actions.doing import DOING, Doing
from study.page.actions.launching import launcher_of
from study.page.actions.offers import Offers
from study.page.faults import say_faults
from study.page.live.live import LIVE, Live
from study.page.readings.library import Library
from study.page.readings.rows import row_of
from study.page.routes import add_routes
from study.page.settings import PageSettings
from study.page.site import SITE, Site

_THREADS = 32
"""Requests that wait for tables that are being made hold one each."""
_MOST_BYTES_SENT = 1 << 20
"""A study file is smaller."""


def make_app(settings: PageSettings, tokens: Tokens) -> web.Application:
    """Return the application that answers requests for the page."""
    guard = Guard(
        tokens,
        served_names(settings.host, settings.allow_hosts),
        base_path=settings.base_path,
        cookie=f"study_token_{settings.port}",
        secure=settings.scheme == "https",
    )
    app = web.Application(middlewares=[say_faults, guard.check], client_max_size=_MOST_BYTES_SENT)
    app.on_response_prepare.append(guard.add_headers)
    app[SITE] = Site(settings, Library(settings.storages, row_of))
    app[WORD] = word_of(tokens)
    app[TOLD] = Told()
    launcher = launcher_of(settings.address, settings.drive)
    app[DOING] = Doing(launcher)
    app[SITE].tell_templates(offers=Offers(app[SITE].library, launcher.can_start))
    app[LIVE] = Live(app[SITE])
    app.on_shutdown.append(app[LIVE].close)
    app.cleanup_ctx.append(_open_site)
    add_routes(app, settings.base_path)
    return app


class _Threads(ThreadPoolExecutor):
    """Threads in which requests read and wait, and on which the server's end doesn't wait."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)


async def _open_site(app: web.Application) -> AsyncIterator[None]:
    asyncio.get_running_loop().set_default_executor(_Threads(_THREADS, "page"))
    yield
    app[SITE].close()
    app[DOING].close()
