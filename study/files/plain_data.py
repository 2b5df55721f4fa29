"""Plain data: what a file can hold, whether it was read from one or built in Python.

That is text, numbers, true, false, null, lists and mappings with text as keys, within limits.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from search_spaces.validation import Fault, KeyPath, describe, format_path, truncate

MOST_LEVELS = 40
LARGEST_INTEGER = 2**63 - 1

# YAML 1.2, section 5.1: the characters that a file may hold
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SCALAR_TYPES = (bool, int, float, str, type(None))


def plain_data_faults(value: object, path: KeyPath = ()) -> list[Fault]:
    """Find what in a value built in Python no file could hold; ``path`` is where the value
    stands.
    """
    if len(path) > MOST_LEVELS:
        return [too_deep_fault(path)]
    if isinstance(value, Mapping):
        return _mapping_faults(value, path)
    if isinstance(value, list | tuple):
        return _list_faults(value, path)
    if type(value) not in _SCALAR_TYPES:
        must = "must be plain data: text, numbers, true, false, lists, mappings"
        return [Fault(path, must, type(value).__name__)]
    written = str(value) if isinstance(value, float) else describe(value)
    fault = scalar_fault(value, written, path)
    return [fault] if fault else []


def _mapping_faults(mapping: Mapping[object, object], path: KeyPath) -> list[Fault]:
    faults: list[Fault] = []
    inner_faults: list[Fault] = []
    for key, item in mapping.items():
        if type(key) is str and is_printable_key(key):
            inner_faults += plain_data_faults(item, (*path, key))
        else:
            faults.append(Fault(path, "must have plain text as keys", describe(key)))
    return faults + inner_faults


def _list_faults(items: Sequence[object], path: KeyPath) -> list[Fault]:
    faults: list[Fault] = []
    for index, item in enumerate(items):
        faults += plain_data_faults(item, (*path, index))
    return faults


def is_printable_key(key: str) -> bool:
    """Whether a text can be a key: it isn't empty, and all of it can be shown."""
    return bool(key) and first_unprintable(key) is None


def first_unprintable(text: str) -> re.Match[str] | None:
    """Find the first character that a file must not hold."""
    return _UNPRINTABLE.search(text)


def scalar_fault(value: object, written: str, path: KeyPath) -> Fault | None:
    """The fault of a scalar that can't be kept, which was ``written`` so: a number that is not
    finite or too large, text that can't be shown.
    """
    if isinstance(value, str):
        unprintable = first_unprintable(value)
        return unprintable_fault(unprintable, path) if unprintable else None
    if isinstance(value, float) and not math.isfinite(value):
        return Fault(path, "must be a finite number", truncate(written))
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        return Fault(path, "must fit into 64 bits", truncate(written))
    return None


def unprintable_fault(character: re.Match[str], path: KeyPath) -> Fault:
    """The fault of a text with such a character in it."""
    found = f"the character U+{ord(character.group()):04X}"
    return Fault(path, "must be printable text", found)


def too_deep_fault(path: KeyPath) -> Fault:
    """The fault of a value below the deepest level that a file may have."""
    return Fault(path[:4], f"must be at most {MOST_LEVELS} levels deep", "more")


def without_empty(tree: Mapping[str, Any], keep: Collection[str] = ()) -> dict[str, Any]:
    """Return a mapping without the keys that say nothing: null, no text, no entries."""
    return {
        key: value
        for key, value in tree.items()
        if key in keep or not (value is None or value in ("", [], {}))
    }


def tree_differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Return one line for each path at which two trees differ: ``points: 40 -> 60``."""
    mine, theirs = _lines_of(one), _lines_of(other)
    paths = [*mine, *(path for path in theirs if path not in mine)]
    return [
        f"{path}: {mine.get(path, 'nothing')} -> {theirs.get(path, 'nothing')}"
        for path in paths
        if mine.get(path) != theirs.get(path)
    ]


def _lines_of(tree: Mapping[str, Any]) -> dict[str, str]:
    """Return each value of a tree as JSON, by its path."""
    return {
        format_path(path): json.dumps(value, ensure_ascii=False)
        for path, value in _flattened(tree, ())
    }


def _flattened(value: Any, path: KeyPath) -> list[tuple[KeyPath, Any]]:
    """Return the scalars and short lists of a tree, each with its path."""
    inner: list[tuple[str | int, Any]] = []
    if isinstance(value, Mapping):
        inner = list(value.items())
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        inner = list(enumerate(value))
    if not inner:
        return [(path, value)]
    return [leaf for key, item in inner for leaf in _flattened(item, (*path, key))]
