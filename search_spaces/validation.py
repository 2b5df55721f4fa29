"""A fault in what a user wrote: where it is, what must hold, what was found, what is accepted.

Faults are collected, never raised one by one, so that a user sees all of them at once. Whoever
knows the file turns a fault's path into a line; see ``study.spec.fault_report``.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

KeyPath = tuple[str | int, ...]
"""Where something stands in a document: keys, and indices of lists."""
FieldPath = tuple[str, ...]
"""Which field of a recipe is meant: keys alone."""

_SHOWN_CHARACTERS = 60
_SHOWN_NAMES = 40
_SHOWN_ITEMS = 8


@dataclass(frozen=True)
class Fault:
    """One fault of a document. ``path`` is empty where the whole document is meant."""

    path: KeyPath
    must: str
    found: str
    accepted: str = ""
    nearest: str = ""
    on_key: bool = False
    """Whether the key itself is at fault, and not its value."""

    def __str__(self) -> str:
        where = f"{format_path(self.path)}: " if self.path else ""
        text = f"{where}{self.must}; found {self.found}"
        if self.accepted:
            text += f"; accepted {self.accepted}"
        if self.nearest:
            text += f" (did you mean {self.nearest}?)"
        return " ".join(text.split())

    def under(self, prefix: KeyPath) -> Fault:
        """Return the fault as seen from a document that holds this one at ``prefix``."""
        return replace(self, path=prefix + self.path)


def format_path(path: KeyPath) -> str:
    """Return ``first[0].set.optimizer.lr`` for ``("first", 0, "set", "optimizer.lr")``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def is_below(path: str, top: str) -> bool:
    """Return whether a dotted path is ``top`` or something in it."""
    return path == top or path.startswith((f"{top}.", f"{top}["))


def describe(value: object) -> str:
    """Return a value as a user would write it, on one line and never long."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        keys = ", ".join(str(key) for key in value)
        return truncate(f"a mapping with {keys}" if value else "an empty mapping")
    if isinstance(value, list | tuple):
        items = [describe(item) for item in value[:_SHOWN_ITEMS]]
        more = ["…"] if len(value) > _SHOWN_ITEMS else []
        return truncate(f"[{', '.join(items + more)}]")
    if isinstance(value, int) and abs(value) >= 10**30:
        return "an integer of more than 30 digits"
    if isinstance(value, str):
        return truncate(repr(value))
    return truncate(str(value))


def truncate(text: str) -> str:
    """Return a text cut to the length of a message, what can't be printed replaced."""
    text = "".join(character if character.isprintable() else "�" for character in text)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def alternatives(names: Iterable[str]) -> str:
    """Return ``a | b | c``, cut where the list is too long to help."""
    names = list(names)
    more = f" | … ({len(names) - _SHOWN_NAMES} more)" if len(names) > _SHOWN_NAMES else ""
    return " | ".join(names[:_SHOWN_NAMES]) + more


def closest_match(name: object, names: Iterable[str]) -> str:
    """Return the name most like ``name``, or no text where none is close."""
    matches = difflib.get_close_matches(str(name)[:200].lower(), sorted(names), n=1, cutoff=0.6)
    return matches[0] if matches else ""


def unknown_key_fault(
    path: KeyPath, names: Iterable[str], synonyms: Mapping[str, str] | None = None
) -> Fault:
    """Return the fault of a key that is none of ``names``; ``synonyms`` has other tools' words."""
    names = list(names)
    key = str(path[-1])
    ours = (synonyms or {}).get(key) or closest_match(key, names)
    return Fault(path, "must be a known key", describe(key), alternatives(names), ours, on_key=True)
