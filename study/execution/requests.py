"""Requests to the driver of a running study, as files: whole or absent, taken once, in the order
they were made.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from study.files.layout import StudyPaths

EVERY_S = 1.0


def post(paths: StudyPaths, request: Mapping[str, Any]) -> None:
    """Leave a request: ``{"do": "stop"}``, ``{"do": "stop_trial", "trial": n}``, ``{"do": "add",
    "values": {…}}``.
    """
    paths.requests.make_folder()
    name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.json"
    (paths.requests / name).write_whole(json.dumps(dict(request)))


def take(paths: StudyPaths) -> list[dict[str, Any]]:
    """The requests that wait, oldest first; each is given once."""
    taken = []
    for path in paths.requests.sorted_glob("*.json"):
        with suppress(ValueError):  # what isn't a request, as none of ours can be, goes unheard
            taken.append(json.loads(path.read_text()))
        path.unlink()
    return taken


def discard_stops(paths: StudyPaths) -> None:
    """A request to stop is for the driver of its day, not for the next one."""
    for path in paths.requests.sorted_glob("*.json"):
        with suppress(ValueError):
            if json.loads(path.read_text()).get("do") == "stop":
                path.unlink()
