"""YAML 1.2 text as plain data, with the line of every key and value, and every fault in it.

Only the parser of ruamel.yaml is used, for its events. Scalars follow the core schema of YAML 1.2
(section 10.3.2 of the specification), so ``1e-3`` is a number and ``no`` is text. Nothing is
constructed but mappings, lists and scalars: tags are refused, aliases are expanded within limits, a
cycle cannot arise.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from search_spaces.validation import Fault, KeyPath, describe, format_path, truncate

LARGEST_BYTES = 512 * 1024
_LARGEST_VALUES = 100_000
_DEEPEST = 40
_LARGEST_INTEGER = 2**63 - 1

_NULL = re.compile(r"~|null|Null|NULL|")
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_RADIX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
# YAML 1.2, section 5.1: what a file may hold
UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# ``against: first[0]`` is ours and reads well, but YAML wants quotes around it inside braces
_ENTRY = re.compile(r"(\bagainst: +)(first\[\d+\])(?=\s*[,}\n])")


@dataclass
class Document:
    """What a file says: its tree, the line of each path's value and key (from 1), and its faults
    with their lines.
    """

    tree: Any = None
    value_lines: dict[str, int] = field(default_factory=dict)
    key_lines: dict[str, int] = field(default_factory=dict)
    faults: list[tuple[int, Fault]] = field(default_factory=list)

    def line(self, path: KeyPath, on_key: bool = False) -> int:
        """The line of a path's value or key; of the nearest key above it where the path isn't in
        the file.
        """
        for length in range(len(path), 0, -1):
            name = format_path(path[:length])
            if name in self.value_lines:
                key_line = self.key_lines.get(name, self.value_lines[name])
                return key_line if on_key or length < len(path) else self.value_lines[name]
        return 1


def read_yaml(text: str | bytes) -> Document:
    """Read one YAML document; whatever is wrong with it is among the faults, nothing is raised."""
    document = Document()
    decoded = _decode(text, document)
    if decoded is None:
        return document
    document = _parse(decoded)
    if document.tree is None and _ENTRY.search(decoded):
        document = _parse(_ENTRY.sub(r'\1"\2"', decoded))
    return document


def _parse(text: str) -> Document:
    """The document of a text that may be YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    document = Document()
    parser = YAML(typ="safe", pure=True)
    try:
        _Builder(parser.parse(io.StringIO(text)), document).read()
    except TooMuch as error:
        document.faults.append((error.line, error.fault))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.faults.append(
            (mark.line + 1 if mark else 1, _syntax_fault(error.problem or error.context))
        )
    except (
        YAMLError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
        AssertionError,
        RecursionError,
    ) as error:
        # ruamel's scanner meets some malformed text with bare errors
        document.faults.append((1, _syntax_fault(str(error).partition("\n")[0])))
    return document


def _decode(text: str | bytes, document: Document) -> str | None:
    """The text if it can be YAML at all: not huge, UTF-8, printable, not empty; else None and the
    fault.
    """
    if len(text) > LARGEST_BYTES:
        must = f"must be at most {LARGEST_BYTES // 1024} KiB"
        document.faults.append((1, Fault((), must, f"{len(text) // 1024} KiB")))
        return None
    try:
        decoded = (
            text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        )
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        document.faults.append(
            (line, Fault((), "must be UTF-8 text", f"byte 0x{error.object[error.start]:02x}"))
        )
        return None
    odd = UNPRINTABLE.search(decoded)
    if odd:
        line = decoded.count("\n", 0, odd.start()) + 1
        document.faults.append(
            (line, Fault((), "must be printable text", f"the character U+{ord(odd.group()):04X}"))
        )
        return None
    return decoded


def _syntax_fault(problem: object) -> Fault:
    return Fault((), "must be valid YAML", truncate(str(problem or "something that can't be read")))


class TooMuch(Exception):
    """The document is deeper or larger than any study file."""

    def __init__(self, line: int, fault: Fault) -> None:
        super().__init__(str(fault))
        self.line = line
        self.fault = fault


class _Builder:
    """Builds plain data from the parser's events."""

    def __init__(self, events: Iterator[Any], document: Document) -> None:
        self.events = events
        self.document = document
        self.anchors: dict[str, Any] = {}
        self.count = 0

    def read(self) -> None:
        started = False
        for event in self.events:
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                if started:
                    self.fault(event, Fault((), "must be one document", "a second one"))
                    return
                started = True
                self.document.tree = self.value(next(self.events), ())
        if self.document.tree is None and not self.document.faults:
            self.document.faults.append((1, Fault((), "must be a mapping", "an empty file")))

    def value(self, event: Any, path: KeyPath) -> Any:
        self.count += 1
        line = event.start_mark.line + 1
        if len(path) > _DEEPEST:
            raise TooMuch(line, _too_deep(path))
        if self.count > _LARGEST_VALUES:
            raise TooMuch(line, Fault((), f"must hold at most {_LARGEST_VALUES:,} values", "more"))
        self.document.value_lines.setdefault(format_path(path), line)
        kind = type(event).__name__
        if kind == "AliasEvent":
            return self.alias(event, path)
        if event.tag:
            self.fault(event, Fault(path, "must not have a YAML tag", describe(str(event.tag))))
        if kind == "MappingStartEvent":
            value: Any = self.mapping(path)
        elif kind == "SequenceStartEvent":
            value = self.sequence(path)
        else:
            value = self.scalar(event, path)
        if event.anchor:
            self.anchors[event.anchor] = value
        return value

    def mapping(self, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        while type(event := next(self.events)).__name__ != "MappingEndEvent":
            key = self.key(event, path, mapping)
            value = self.value(next(self.events), (*path, key) if key is not None else path)
            if key is not None and key not in mapping:
                mapping[key] = value
        return mapping

    def key(self, event: Any, path: KeyPath, mapping: dict[str, Any]) -> str | None:
        """A key as text; None where it can't be one or stands there already."""
        if type(event).__name__ != "ScalarEvent":
            found = self.value(event, path)
            self.fault(event, Fault(path, "must have plain text as keys", describe(found)))
            return None
        if event.tag:
            self.fault(event, Fault(path, "must not have a YAML tag", describe(str(event.tag))))
        key = str(event.value)
        plain = event.style not in ("'", '"')
        if not key or UNPRINTABLE.search(key) or (plain and not isinstance(core_schema(key), str)):
            self.fault(
                event, Fault(path, "must have plain text as keys", truncate(key) or "an empty key")
            )
            return None
        name = format_path((*path, key))
        if key in mapping:
            found = f"it again, first in line {self.document.key_lines[name]}"
            self.fault(event, Fault((*path, key), "must not stand there twice", found, on_key=True))
            return None
        self.document.key_lines.setdefault(name, event.start_mark.line + 1)
        return key

    def sequence(self, path: KeyPath) -> list[Any]:
        sequence: list[Any] = []
        while type(event := next(self.events)).__name__ != "SequenceEndEvent":
            sequence.append(self.value(event, (*path, len(sequence))))
        return sequence

    def alias(self, event: Any, path: KeyPath) -> Any:
        """What the anchor stands for; an alias inside its own anchor finds nothing yet, so there
        are no cycles.
        """
        if event.anchor not in self.anchors:
            self.fault(
                event,
                Fault(
                    path,
                    "must refer to an anchor that stands complete before it",
                    f"*{event.anchor}",
                ),
            )
            return None
        value = self.anchors[event.anchor]
        count, depth = _extent(value)
        self.count += count
        if len(path) + depth > _DEEPEST:
            raise TooMuch(event.start_mark.line + 1, _too_deep(path))
        return value

    def scalar(self, event: Any, path: KeyPath) -> Any:
        text = str(event.value)
        value = text if event.style in ("'", '"', "|", ">") else core_schema(text)
        fault = _scalar_fault(value, text, path)
        if fault:
            self.fault(event, fault)
            return None
        return value

    def fault(self, event: Any, fault: Fault) -> None:
        self.document.faults.append((event.start_mark.line + 1, fault))


def _extent(value: Any) -> tuple[int, int]:
    """How many values there are in a value, itself included, and how many levels."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    extents = [_extent(item) for item in inner]
    return 1 + sum(count for count, _ in extents), 1 + max(
        (depth for _, depth in extents), default=0
    )


def _too_deep(path: KeyPath) -> Fault:
    return Fault(path[:4], f"must be at most {_DEEPEST} levels deep", "more")


def core_schema(text: str) -> Any:
    """A plain scalar's value by the core schema of YAML 1.2."""
    if _NULL.fullmatch(text):
        return None
    if text in TRUE or text in FALSE:
        return text in TRUE
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= 20 else _LARGEST_INTEGER + 1
    if _RADIX.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return math.nan if _NOT_FINITE.fullmatch(text) else text


def _scalar_fault(value: object, text: str, path: KeyPath) -> Fault | None:
    """The fault of a scalar that can't be kept: a number that is not finite or too large, text that
    can't be shown.
    """
    if isinstance(value, str) and (odd := UNPRINTABLE.search(value)):
        return Fault(path, "must be printable text", f"the character U+{ord(odd.group()):04X}")
    if isinstance(value, float) and not math.isfinite(value):
        return Fault(path, "must be a finite number", truncate(text))
    if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        return Fault(path, "must fit into 64 bits", truncate(text))
    return None


def plain_faults(value: object, path: KeyPath = ()) -> list[Fault]:
    """What of a tree built in Python could not stand in a file: other types, odd keys, numbers that
    aren't finite.
    """
    if len(path) > _DEEPEST:
        return [_too_deep(path)]
    if isinstance(value, Mapping):
        odd = [key for key in value if type(key) is not str or not key or UNPRINTABLE.search(key)]
        faults = [Fault(path, "must have plain text as keys", describe(key)) for key in odd]
        inner = [(key, item) for key, item in value.items() if key not in odd]
        return faults + [fault for key, item in inner for fault in plain_faults(item, (*path, key))]
    if isinstance(value, list | tuple):
        return [
            fault
            for index, item in enumerate(value)
            for fault in plain_faults(item, (*path, index))
        ]
    if type(value) not in (bool, int, float, str, type(None)):
        return [
            Fault(
                path,
                "must be plain data: text, numbers, true, false, lists, mappings",
                type(value).__name__,
            )
        ]
    fault = _scalar_fault(value, str(value) if isinstance(value, float) else describe(value), path)
    return [fault] if fault else []
