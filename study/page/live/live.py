"""What is live on one server: the list of studies, and each study that is looked at."""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary

from aiohttp import web

from study.page.live.list_parts import list_parts
from study.page.live.stream import Parts
from study.page.live.streams import Streams
from study.page.live.study_parts import KeptParts, StudyParts
from study.page.readings.followed_study import FollowedStudy
from study.page.site import Site


class Live:
    """Keeps the parts of pages, and sends them as they change."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._streams = Streams()
        self._lock = threading.Lock()
        self._kept: WeakKeyDictionary[FollowedStudy, KeptParts] = WeakKeyDictionary()

    def study(self, label: str, name: str) -> StudyParts:
        """Return the parts of a study's page; StudyNotFound where it isn't there."""
        followed = self._site.library.study(label, name)
        with self._lock:
            kept = self._kept.setdefault(followed, KeptParts())
        return StudyParts(self._site, followed, kept)

    async def watch_study(self, request: web.Request, label: str, name: str) -> web.StreamResponse:
        """Send what changes in a study."""

        def look() -> Parts:
            return self.study(label, name).look()

        return await self._streams.answer(request, f"{label}/{name}", look)

    async def watch_list(self, request: web.Request) -> web.StreamResponse:
        """Send what changes in the list of studies."""

        def look() -> Parts:
            return list_parts(self._site)

        return await self._streams.answer(request, "", look, fetch_all=True)

    async def close(self, app: web.Application) -> None:
        """End all streams."""
        await self._streams.close(app)


LIVE = web.AppKey("live", Live)
