"""A real browser without a window: Debian's chromium, told what to do by its own protocol."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp

CHROMIUM = shutil.which("chromium")
WHY_NOT = "no chromium here: apt-get install chromium"
DEADLINE_S = 120
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--force-device-scale-factor=1",
)


_LEFT = ("navigated or closed", "context was destroyed", "Cannot find context")
"""What a browser says that was asked of a page which it was just leaving."""


class PageLeft(Exception):
    """The page that was asked is left for another one."""


class Tab:
    """A tab of its own, and all that went wrong in it."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self.faults: list[str] = []
        """Errors on the console, requests that failed, and policies that were violated."""
        browser.listen(session, self._note)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.tell(f"{domain}.enable")

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.tell(method, parameters, self._session)

    def look(self, *, width: int = 1300, height: int = 900, dark: bool = False) -> None:
        """Make the window so large, and light or dark."""
        self.tell(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", media="", features=[scheme])

    def without_scripts(self) -> None:
        self.tell("Emulation.setScriptExecutionDisabled", value=True)

    def open(self, address: str) -> None:
        """Open a page, and wait until it is there as a whole."""
        self.tell("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def value(self, expression: str) -> Any:
        """Return what an expression of the page's script comes to."""
        found = self.tell(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str) -> None:
        """Wait until an expression is true, of whichever page is there by then."""

        def is_true() -> bool:
            try:
                return bool(self.value(expression))
            except PageLeft:
                return False

        self._browser.wait_for(is_true, expression)

    def click(self, selector: str) -> None:
        """Click where an element is, as a person does."""
        self.until(f"!!document.querySelector({selector!r})")
        x, y = self.value(
            f"(() => {{ const e = document.querySelector({selector!r});"
            " e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.tell("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, file: Path, *, whole: bool = True) -> None:
        """Write a picture of the page."""
        found = self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(found["data"]))

    def _note(self, event: dict[str, Any]) -> None:
        told = event["params"]
        match event["method"]:
            case "Runtime.exceptionThrown":
                self.faults.append(json.dumps(told["exceptionDetails"])[:500])
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning"):
                self.faults.append(json.dumps(told["args"])[:500])
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                self.faults.append(json.dumps(told["entry"])[:500])
            case "Network.loadingFailed" if not told.get("canceled"):
                self.faults.append(json.dumps(told)[:500])
            case "Network.responseReceived" if told["response"]["status"] >= 400:
                self.faults.append(told["response"]["url"])


class Browser:
    """The browser's process, and the connection to it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, loop: Any) -> None:
        self._socket = socket
        self._loop = loop
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._listeners: dict[str, Callable[[dict[str, Any]], None]] = {}

    async def read(self) -> None:
        """Take what the browser says, until it says no more."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told)
            elif told.get("sessionId") in self._listeners:
                self._listeners[told["sessionId"]](told)

    async def leave(self) -> None:
        """Close the connection."""
        await self._socket.close()

    def listen(self, session: str, listener: Callable[[dict[str, Any]], None]) -> None:
        self._listeners[session] = listener

    def tell(self, method: str, parameters: dict[str, Any], session: str = "") -> dict[str, Any]:
        sent = asyncio.run_coroutine_threadsafe(self._tell(method, parameters, session), self._loop)
        answer = sent.result(DEADLINE_S)
        if any(sign in str(answer.get("error", "")) for sign in _LEFT):
            raise PageLeft(str(answer["error"]))
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    async def _tell(self, method: str, parameters: Any, session: str) -> dict[str, Any]:
        self._number += 1
        content = {"id": self._number, "method": method, "params": parameters}
        answer = self._answers[self._number] = self._loop.create_future()
        await self._socket.send_json(content | ({"sessionId": session} if session else {}))
        return await answer

    def wait_for(self, is_so: Callable[[], bool], what: str) -> None:
        waited = threading.Event()
        for _ in range(DEADLINE_S * 20):
            if is_so():
                return
            waited.wait(0.05)
        raise AssertionError(f"never came to be: {what}")

    @contextmanager
    def tab(self) -> Iterator[Tab]:
        """Open a tab with cookies of its own."""
        context = self.tell("Target.createBrowserContext", {})["browserContextId"]
        target = self.tell(
            "Target.createTarget", {"url": "about:blank", "browserContextId": context}
        )["targetId"]
        session = self.tell("Target.attachToTarget", {"targetId": target, "flatten": True})
        try:
            yield Tab(self, session["sessionId"])
        finally:
            self.tell("Target.disposeBrowserContext", {"browserContextId": context})


@contextmanager
def browsing(folder: Path) -> Iterator[Browser]:
    """Run a browser that keeps its things in ``folder``, as long as the block lasts."""
    assert CHROMIUM
    command = [CHROMIUM, *OPTIONS, f"--user-data-dir={folder}", "about:blank"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        address = ""
        for line in process.stderr:
            if "DevTools listening on" in line:
                address = line.split()[-1]
                break
        drain = threading.Thread(target=process.stderr.read, daemon=True)
        drain.start()
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        started: list[Any] = []

        async def connect() -> None:
            client = aiohttp.ClientSession()
            socket = await client.ws_connect(address, max_msg_size=1 << 28)
            browser = Browser(socket, loop)
            started.extend([client, browser, loop.create_task(browser.read())])

        async def leave() -> None:
            client, browser, reading = started
            reading.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            await browser.leave()
            await client.close()

        try:
            asyncio.run_coroutine_threadsafe(connect(), loop).result(DEADLINE_S)
            yield started[1]
        finally:
            if len(started) == 3:
                asyncio.run_coroutine_threadsafe(leave(), loop).result(DEADLINE_S)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
            process.terminate()
            drain.join()
