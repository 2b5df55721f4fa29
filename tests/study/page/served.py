"""A server in this process, on loopback, and requests to it."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from study.page.access.tokens import Tokens
from study.page.app import make_app
from study.page.readings.storages import labeled_storages
from study.page.settings import PageSettings
from study.page.site import SITE, Site

TOKENS = Tokens("full-token-of-the-tests", "read-only-token-of-the-tests")
FULL = {"Authorization": f"Bearer {TOKENS.full}"}
LOOKING = {"Authorization": f"Bearer {TOKENS.read_only}"}
BROWSER = {"Accept": "text/html,*/*"}


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def data(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Served:
    """A server that answers."""

    port: int
    app: web.Application

    @property
    def site(self) -> Site:
        return self.app[SITE]

    def ask(
        self,
        path: str,
        headers: Mapping[str, str] = FULL,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Answer:
        """Send one request, without following where it leads."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, path, skip_host=True)
            for name, value in {"Host": f"127.0.0.1:{self.port}", **headers}.items():
                connection.putheader(name, value)
            if body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def page(self, path: str) -> str:
        """Return a page's HTML."""
        answer = self.ask(path, FULL | BROWSER)
        assert answer.status == 200, answer.text
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        return answer.text

    def data(self, path: str) -> Any:
        """Return a page's data."""
        answer = self.ask(path)
        assert answer.status == 200, answer.text
        return answer.data


@contextmanager
def serving(settings: PageSettings) -> Iterator[Served]:
    """Serve as long as the block lasts."""
    started: list[Any] = []
    is_up = threading.Event()

    async def main() -> None:
        end = asyncio.Event()
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        bound = replace(settings, port=listener.getsockname()[1])
        app = make_app(bound, TOKENS)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        started.extend([asyncio.get_running_loop(), end, bound.port, app])
        is_up.set()
        await end.wait()
        await runner.cleanup()
        listener.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), name="served")
    thread.start()
    assert is_up.wait(60)
    loop, end, port, app = started
    try:
        yield Served(port, app)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(60)
        assert not thread.is_alive()


def settings_of(*folders: Path, **changes: Any) -> PageSettings:
    """The settings of a server over these folders, each under its name."""
    return PageSettings(labeled_storages(str(folder) for folder in folders), **changes)
