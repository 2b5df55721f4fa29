"""A study's summary in its folder, so that many studies are listed without reading their journals.

It is derived, and says which bytes of the journal and of the study file it was made from. Where
they aren't those any more, or it isn't of the form that is written here, there is none.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from study.files.layout import StudyPaths
from study.journal.journal import journal_bytes, journal_hash
from study.results.summary.summary import Summary

if TYPE_CHECKING:
    from study.journal.history import History

_LARGEST_BYTES = 100_000
_LARGEST_COUNT = 1 << 53
_LATEST_S = 1e11
"""The year 5138, after which no clock of ours can show."""
_LONGEST_TEXT = 1000


class StoredSummary(NamedTuple):
    """A summary as it was read."""

    summary: Summary
    journal_bytes: int
    """How long the journal is that it was made from."""


def write_summary(paths: StudyPaths, history: History, summary: Summary) -> None:
    """Write the summary of a study whose whole journal ``history`` is.

    Nothing is written where it isn't, as another driver has gone on, where a figure is none, and
    where the storage refuses: then the study is listed by its journal.
    """
    with suppress(OSError, ValueError):  # ValueError: JSON has no word for what isn't a number
        if history.specs and journal_bytes(paths.journal) == history.journal_bytes:
            _write(paths, history, _text(asdict(summary)))


def _write(paths: StudyPaths, history: History, summary: str) -> None:
    stamp = {
        "journal": journal_hash(paths.journal),
        "journal_bytes": history.journal_bytes,
        "spec": history.specs[-1].hash,
        "summary": _hash(summary.encode()),
    }
    content = f'{{"made_from": {_text(stamp)},\n"summary": {summary}}}\n'
    if len(content.encode()) <= _LARGEST_BYTES:
        paths.summary.write_whole(content)


def read_summary(paths: StudyPaths) -> StoredSummary | None:
    """Return a study's summary where its folder has one of the journal and the study file of now.

    The folder is to be known as plain.
    """
    try:
        tree = _read_tree(paths)
        match tree:
            case {"made_from": dict(stamp), "summary": dict(summary)} if _is_true(stamp, summary):
                if _is_current(paths, stamp):
                    return StoredSummary(Summary(**summary), stamp["journal_bytes"])
    except (OSError, ValueError, RecursionError):
        return None
    return None


def _read_tree(paths: StudyPaths) -> Any:
    with paths.summary.open_binary() as file:
        content = file.read(_LARGEST_BYTES + 1)
    if len(content) > _LARGEST_BYTES:
        return None
    return json.loads(content, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no figure")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _text(tree: dict[str, Any]) -> str:
    return json.dumps(tree, allow_nan=False)


def _is_true(stamp: dict[str, Any], summary: dict[str, Any]) -> bool:
    """Whether a summary is of the form that is written here, and was not changed since."""
    if summary.keys() != _FORM.keys() or not _is_count(stamp.get("journal_bytes")):
        return False
    if not all(_FORM[name](value) for name, value in summary.items()):
        return False
    return _hash(_text(summary).encode()) == stamp.get("summary")


def _is_current(paths: StudyPaths, stamp: dict[str, Any]) -> bool:
    """Whether journal and study file are those that a summary was made from."""
    if journal_bytes(paths.journal) != stamp["journal_bytes"]:
        return False
    if _hash(paths.spec.read_bytes()) != stamp.get("spec"):
        return False
    return journal_hash(paths.journal) == stamp.get("journal")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LARGEST_COUNT


def _is_number(value: Any) -> bool:
    if type(value) is float:
        return math.isfinite(value)
    return type(value) is int and abs(value) < _LARGEST_COUNT


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= _LONGEST_TEXT


def _is_moment(value: Any) -> bool:
    return _is_number(value) and 0 <= value < _LATEST_S


def _are_counts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_count, value.values()))


def _are_numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_number, value))


def _or_none(is_one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or is_one(value)


_FORM: dict[str, Callable[[Any], bool]] = {
    "state": _is_text,
    "goes_on": lambda value: isinstance(value, bool),
    "points": _is_count,
    "of": _is_count,
    "added": _is_count,
    "dropped": _is_count,
    "states": _are_counts,
    "trials": _is_count,
    "failures": _is_count,
    "epochs": _is_count,
    "trial_seconds": _is_number,
    "objective": _is_text,
    "best": _or_none(_is_number),
    "best_standing": _or_none(_is_text),
    "best_fresh": _or_none(_is_number),
    "best_point": _or_none(_is_count),
    "best_values": lambda value: isinstance(value, dict),
    "best_seeds": _are_numbers,
    "money": _or_none(_is_number),
    "lost_money": _or_none(_is_number),
    "unpriced_hours": _or_none(_is_number),
    "currency": _or_none(_is_text),
    "spend": _or_none(_is_number),
    "sessions": _is_count,
    "last_event_at": _or_none(_is_moment),
}
"""What each of a summary's figures can be."""
