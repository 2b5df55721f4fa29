"""One thing that is looked at, and those who look at it: each is sent the parts that changed.

However many they are, a study is read and its parts are made once. Nobody looks, nothing is read.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from study.errors import StudyError

Parts = Mapping[str, str]
"""The content of each part of a page by its name."""
Queue = asyncio.Queue[bytes | None]

_LOG = logging.getLogger("study.page")
_LOOK_S = 0.5
"""How often is looked, at most."""
_MOST_LOOKING = 0.1
"""At most this share of the time goes into looking, however large the study is."""
_LONGEST_QUEUE = 64
"""Whoever takes in less than this many messages is disconnected, and comes back for all."""
ALL = "all"
"""The message that everything is to be fetched anew."""


class Stream:
    """Looks at one thing as long as somebody wants to see it."""

    def __init__(self, look: Callable[[], Parts], *, fetch_all: bool = False) -> None:
        """``look`` gives the parts as they are now. ``fetch_all``: whoever has missed something
        fetches the page anew, as there are too many parts to send.
        """
        self._look = look
        self._fetch_all = fetch_all
        self._parts: dict[str, str] = {}
        self._has_looked = False
        """Whether the parts are known, of which there may be none."""
        self._queues: set[Queue] = set()
        self._task: asyncio.Task[None] | None = None

    @contextmanager
    def watched(self) -> Iterator[Queue]:
        """Give a queue of messages, which ends with None."""
        queue: Queue = asyncio.Queue(_LONGEST_QUEUE)
        self._queues.add(queue)
        if self._task is None:
            self._task = asyncio.create_task(self._keep_looking())
        try:
            yield queue
        finally:
            self._queues.discard(queue)
            if not self._queues and self._task is not None:
                self._task.cancel()
                self._task = None

    async def missed(self, known: str) -> list[bytes]:
        """Return what somebody lacks who knows parts by the marks in ``known``."""
        if not self._has_looked:
            await self._look_once()
        if self._fetch_all:
            is_same = marks_of(self._parts, as_one=True) == known
            return [] if is_same else [message(ALL, "", "")]
        marks = set(known.split("."))
        missing = [name for name, content in self._parts.items() if mark_of(content) not in marks]
        return [self._message(name, self._parts[name]) for name in missing]

    @property
    def is_watched(self) -> bool:
        """Whether somebody looks."""
        return bool(self._queues)

    def close(self) -> None:
        """End all queues."""
        for queue in list(self._queues):
            _put(queue, None)

    async def _keep_looking(self) -> None:
        while True:
            began = time.monotonic()
            try:
                await self._look_once()
            except (StudyError, OSError) as error:
                _LOG.debug("what is shown can't be read just now: %s", error)
            except Exception:
                _LOG.exception("what is looked at can't be shown")
            took_s = time.monotonic() - began
            await asyncio.sleep(max(_LOOK_S, took_s / _MOST_LOOKING))

    async def _look_once(self) -> None:
        found = await asyncio.get_running_loop().run_in_executor(None, self._look)
        before, self._parts = self._parts, dict(found)
        if not self._has_looked:
            self._has_looked = True
            return
        if self._fetch_all and before.keys() != self._parts.keys():
            self._send(message(ALL, "", ""))
            return
        for name, content in self._parts.items():
            if before.get(name) != content:
                self._send(self._message(name, content))

    def _message(self, name: str, content: str) -> bytes:
        return message(name, content, marks_of(self._parts, as_one=self._fetch_all))

    def _send(self, data: bytes) -> None:
        for queue in list(self._queues):
            _put(queue, data)


def _put(queue: Queue, data: bytes | None) -> None:
    """Put a message into a queue; one that is full is emptied, and ends."""
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        data = None
    queue.put_nowait(data)


def mark_of(content: str) -> str:
    """Return by what a part is known to be the same."""
    return hashlib.sha256(content.encode(errors="replace")).hexdigest()[:10]


def marks_of(parts: Parts, *, as_one: bool = False) -> str:
    """Return the marks of all parts, or one mark for them together."""
    marks = ".".join(mark_of(content) for content in parts.values())
    return mark_of(marks) if as_one else marks


def message(name: str, content: str, identity: str) -> bytes:
    """Return a server-sent event."""
    lines = [f"event: {name}", *(f"data: {line}" for line in content.splitlines() or [""])]
    if identity:
        lines.append(f"id: {identity}")
    return ("\n".join(lines) + "\n\n").encode(errors="replace")
