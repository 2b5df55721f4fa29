"""``path=value``, as the command line sets a value: how such a text is read, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from search_spaces.validation import Fault, describe
from study.files.yaml_reader import read_yaml

_KEY = "value"


@dataclass(frozen=True)
class PathValue:
    """One ``path=value``: the path as it was written, and the value that the YAML text stands for.

    ``faults`` are those of the value's text; their paths begin at the value.
    """

    path: str
    value: Any
    faults: list[Fault] = field(default_factory=list)


def parse_path_value(text: str) -> PathValue | None:
    """Return what ``text`` sets; None where it isn't ``path=value``. No value at all is null."""
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        return None
    document = read_yaml(f"{_KEY}:\n  {value}")
    faults = [replace(fault, path=fault.path[1:]) for _, fault in document.faults]
    read = document.tree.get(_KEY) if isinstance(document.tree, dict) else None
    return PathValue(path.strip(), read, faults)


def path_value_fault(text: str, accepted: str) -> Fault:
    """Return the fault of a text that isn't ``path=value``; ``accepted`` says what would be."""
    return Fault((), "must be path=value", describe(text), accepted)
