"""Requests to a study's driver: files in its folder, whole or absent, each taken once, in order.

A request is one of ``{"do": "stop"}``, ``{"do": "stop_trial", "trial": 3}`` and ``{"do": "add",
"values": {"optimizer.lr": 0.1}}``.
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
"""How often a driver looks for requests."""


def post(paths: StudyPaths, request: Mapping[str, Any]) -> None:
    """Leave a request for the study's driver."""
    paths.requests.make_folder()
    name = f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.json"
    (paths.requests / name).write_whole(json.dumps(dict(request)))


def take(paths: StudyPaths) -> list[dict[str, Any]]:
    """Remove the requests that wait, and return them, oldest first."""
    taken = []
    for path in paths.requests.sorted_glob("*.json"):
        with suppress(ValueError):  # what isn't a request, as none of ours can be, goes unheard
            taken.append(json.loads(path.read_text()))
        path.unlink()
    return taken


def discard_stops(paths: StudyPaths) -> None:
    """Remove requests to stop, which were meant for an earlier driver."""
    for path in paths.requests.sorted_glob("*.json"):
        with suppress(ValueError):
            if json.loads(path.read_text()).get("do") == "stop":
                path.unlink()
