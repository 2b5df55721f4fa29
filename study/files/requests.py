"""Requests to a study's driver: files in its folder, whole or absent, in the order they were made.

A request is one of ``{"do": "stop"}``, ``{"do": "stop_trial", "trial": 3}``, ``{"do": "add",
"values": {"optimizer.lr": 0.1}}``, ``{"do": "drop", "point": 7}`` and ``{"do": "share", "weight":
3}``. Its file stays until the driver has done what it asks for.
"""

from __future__ import annotations

import json
import math
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from study.files.layout import StudyPaths
from study.files.storage import StoragePath

EVERY_S = 1.0
"""How often a driver looks for requests."""
_LARGEST_BYTES = 1_000_000
_NAME = re.compile(r"(\d{20})-[0-9a-f]{8}\.json")
_LAST_NUMBER = 10**20 - 1


@dataclass(frozen=True)
class Request:
    """A request as it was read."""

    path: StoragePath
    do: str = ""
    """``stop``, ``stop_trial``, ``add``, ``drop``, ``extend`` or ``share``; empty where it is none
    of them.
    """
    trial: int = -1
    point: int = -1
    values: Mapping[str, Any] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    """The new totals of ``points`` and ``replicates``, as far as they are to grow."""
    weight: float = 1.0
    fault: str = ""
    """Why it can't be carried out by anybody; empty where it can."""


def post(paths: StudyPaths, request: Mapping[str, Any]) -> StoragePath:
    """Leave a request for the study's driver; return its file, which is there until it is done."""
    paths.requests.make_folder()
    path = paths.requests / f"{_next_number(paths):020d}-{uuid.uuid4().hex[:8]}.json"
    path.write_whole(json.dumps(dict(request)))
    return path


def _next_number(paths: StudyPaths) -> int:
    """Return the nanoseconds since 1970, or more where a request waits that was given as many: its
    maker's clock may have been ahead, or this one set back.
    """
    given = [0]
    with suppress(OSError):  # who can't list the requests can leave one all the same
        names = [_NAME.fullmatch(path.name) for path in paths.requests.glob("*.json")]
        given += [int(name[1]) for name in names if name]
    return min(max(time.time_ns(), max(given) + 1), _LAST_NUMBER)


def waiting(paths: StudyPaths) -> list[Request]:
    """Read the requests that wait, oldest first; one that can't be read now waits on."""
    found = []
    for path in paths.requests.sorted_glob("*.json"):
        try:
            found.append(_parse(path, path.read_bytes()))
        except OSError:
            continue
    return found


def waiting_stops(paths: StudyPaths) -> list[Request]:
    """Read the requests to stop the study that wait."""
    return [request for request in waiting(paths) if request.do == "stop"]


def discard(requests: Iterable[Request]) -> None:
    """Remove requests that are done with."""
    for request in requests:
        request.path.unlink(missing_ok=True)


def is_share(weight: float) -> bool:
    """Whether a number can be a study's share."""
    return not isinstance(weight, bool) and math.isfinite(weight) and weight >= 0


def _counts_in(totals: Mapping[Any, Any]) -> dict[str, int]:
    """Return those of some totals that are counts from 1."""
    counts = {}
    for name, total in totals.items():
        if isinstance(total, int) and not isinstance(total, bool) and total > 0:
            counts[str(name)] = total
    return counts


def _parse(path: StoragePath, content: bytes) -> Request:
    try:
        tree = json.loads(content[:_LARGEST_BYTES])
    except (ValueError, RecursionError):
        return Request(path, fault=f"{path.name} is no JSON")
    match tree:
        case {"do": "stop"}:
            return Request(path, do="stop")
        case {"do": "stop_trial", "trial": int(trial)} if not isinstance(trial, bool):
            return Request(path, do="stop_trial", trial=trial)
        case {"do": "add", "values": dict(values)} if values:
            return Request(path, do="add", values=values)
        case {"do": "extend", **totals} if totals and totals.keys() <= {"points", "replicates"}:
            counts = _counts_in(totals)
            if len(counts) == len(totals):
                return Request(path, do="extend", counts=counts)
        case {"do": "share", "weight": int() | float() as weight} if is_share(weight):
            return Request(path, do="share", weight=float(weight))
        case {"do": "drop", "point": int(point)} if not isinstance(point, bool):
            return Request(path, do="drop", point=point)
    return Request(path, fault=f"{path.name} holds {content[:100]!r}")
