"""Does what is asked beside the server's other work: for each study one thing after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from aiohttp import web

from study.page.actions.launching import Launcher

_THREADS = 4
_PATIENCE_S = 20.0
"""So long one thing waits for another one that is being done with the same study."""
T = TypeVar("T")


class Doing:
    """What is being done."""

    def __init__(self, launcher: Launcher) -> None:
        self.launcher = launcher
        """Starts drivers."""
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="doing")
        self._locks: dict[tuple[str, str], threading.Lock] = {}

    async def do(self, label: str, name: str, act: Callable[[], T]) -> T:
        """Return what ``act`` does with a study; it isn't broken off where whoever asked leaves."""
        lock = self._locks.setdefault((label, name), threading.Lock())
        loop = asyncio.get_running_loop()
        return await asyncio.shield(loop.run_in_executor(self._pool, _alone, lock, act, name))

    def close(self) -> None:
        """Begin nothing more; what is being done comes to its end."""
        self._pool.shutdown(wait=False, cancel_futures=True)


DOING = web.AppKey("doing", Doing)


def _alone(lock: threading.Lock, act: Callable[[], T], name: str) -> T:
    if not lock.acquire(timeout=_PATIENCE_S):
        raise web.HTTPConflict(text=f"something else is being done with {name}; try again")
    try:
        return act()
    finally:
        lock.release()
