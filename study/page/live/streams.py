"""The streams of a server: of the list of studies, and of each study that is looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from aiohttp import hdrs, web

from study.page.live.stream import Parts, Stream

_MOST = 1_000
"""So many pages are kept up to date at once."""
_LOOK_FOR_LEAVERS_S = 5.0
_LONGEST_KNOWN = 8_000
_HEADERS = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    hdrs.CACHE_CONTROL: "no-store",
    "X-Accel-Buffering": "no",  # proxies else wait until there is more
}


class Streams:
    """Finds the stream of what is looked at."""

    def __init__(self) -> None:
        self._streams: dict[str, Stream] = {}
        self._count = 0

    async def answer(
        self,
        request: web.Request,
        name: str,
        look: Callable[[], Parts],
        *,
        fetch_all: bool = False,
    ) -> web.StreamResponse:
        """Send what changes until the page is left, or the server ends."""
        if self._count >= _MOST:
            raise web.HTTPServiceUnavailable(text="too many pages are being watched; reload later")
        stream = self._streams.setdefault(name, Stream(look, fetch_all=fetch_all))
        known = request.headers.get("Last-Event-ID") or request.query.get("known", "")
        only = request.query.get("only", "")
        wanted = f"event: {only}\n".encode(errors="replace") if only else b""
        response = web.StreamResponse(headers=_HEADERS)
        self._count += 1
        try:
            with suppress(ConnectionError), stream.watched() as queue:  # whoever looked may go
                missed = await stream.missed(known[:_LONGEST_KNOWN])
                await response.prepare(request)
                await response.write(b"retry: 2000\n\n")
                for message in missed:
                    if message.startswith(wanted):
                        await response.write(message)
                await _send(request, response, queue, wanted)
        finally:
            self._count -= 1
            if not stream.is_watched:
                self._streams.pop(name, None)
        return response

    async def close(self, _: web.Application) -> None:
        """End all streams, so that the server can."""
        for stream in self._streams.values():
            stream.close()


async def _send(
    request: web.Request,
    response: web.StreamResponse,
    queue: asyncio.Queue[bytes | None],
    wanted: bytes,
) -> None:
    """Send the messages that begin as those wanted do, until there is nobody to take them."""
    while request.transport is not None and not request.transport.is_closing():
        with suppress(TimeoutError):
            message = await asyncio.wait_for(queue.get(), _LOOK_FOR_LEAVERS_S)
            if message is None:
                return
            if message.startswith(wanted):
                await response.write(message)
