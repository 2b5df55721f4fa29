"""YAML 1.2 text as plain data, with the line of every key and value, and every fault in it.

Only the parser of ruamel.yaml is used, for its events. Scalars follow the core schema of YAML 1.2
(section 10.3.2 of the specification), so ``1e-3`` is a number and ``no`` is text. Nothing is
constructed but mappings, lists and scalars: tags are refused, aliases are expanded within limits,
and a cycle can't arise.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from search_spaces.validation import Fault, KeyPath, describe, format_path, truncate
from study.files.plain_data import (
    MOST_LEVELS,
    first_unprintable,
    is_printable_key,
    scalar_fault,
    too_deep_fault,
    unprintable_fault,
)
from study.files.yaml_scalars import parse_scalar

LARGEST_BYTES = 512 * 1024
_MOST_VALUES = 100_000
_FLOW_QUOTES = ("'", '"')
_BLOCK_STYLES = ("|", ">")

# ``against: first[0]`` is ours and reads well, but YAML wants quotes around it inside braces
_ENTRY_OF_FIRST = re.compile(r"(\bagainst: +)(first\[\d+\])(?=\s*[,}\n])")


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
        """The line of a path's value, or of its key; that of the nearest key above it where the
        path isn't in the file.
        """
        for length in range(len(path), 0, -1):
            name = format_path(path[:length])
            if name not in self.value_lines:
                continue
            value_line = self.value_lines[name]
            if on_key or length < len(path):
                return self.key_lines.get(name, value_line)
            return value_line
        return 1


def read_yaml(content: str | bytes) -> Document:
    """Read one YAML document; whatever is wrong with it is among its faults, nothing is raised."""
    text, line_and_fault = _decode_text(content)
    if line_and_fault:
        return Document(faults=[line_and_fault])
    document = _parse(text)
    if document.tree is None and _ENTRY_OF_FIRST.search(text):
        document = _parse(_ENTRY_OF_FIRST.sub(r'\1"\2"', text))
    return document


def _decode_text(content: str | bytes) -> tuple[str, tuple[int, Fault] | None]:
    """The text if it can be YAML at all: not huge, UTF-8, printable; else the line of its fault
    and the fault.
    """
    if len(content) > LARGEST_BYTES:
        must = f"must be at most {LARGEST_BYTES // 1024} KiB"
        return "", (1, Fault((), must, f"{len(content) // 1024} KiB"))
    try:
        text = _without_byte_order_mark(content)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{error.object[error.start]:02x}"
        return "", (line, Fault((), "must be UTF-8 text", found))
    unprintable = first_unprintable(text)
    if unprintable:
        line = text.count("\n", 0, unprintable.start()) + 1
        return "", (line, unprintable_fault(unprintable, ()))
    return text, None


def _without_byte_order_mark(content: str | bytes) -> str:
    if isinstance(content, bytes):
        return content.decode("utf-8-sig")
    return content.removeprefix("\ufeff")


def _parse(text: str) -> Document:
    """The document of a text that may be YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    document = Document()
    parser = YAML(typ="safe", pure=True)
    try:
        _Builder(parser.parse(io.StringIO(text)), document).read_document()
    except _LimitExceeded as error:
        document.faults.append((error.line, error.fault))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        fault = _syntax_fault(error.problem or error.context)
        document.faults.append((mark.line + 1 if mark else 1, fault))
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


def _syntax_fault(problem: object) -> Fault:
    found = truncate(str(problem or "something that can't be read"))
    return Fault((), "must be valid YAML", found)


class _LimitExceeded(Exception):
    """The document is deeper or larger than any study file."""

    def __init__(self, line: int, fault: Fault) -> None:
        super().__init__(str(fault))
        self.line = line
        self.fault = fault


class _Builder:
    """Builds a document's plain data from the parser's events."""

    def __init__(self, events: Iterator[Any], document: Document) -> None:
        self._events = events
        self._document = document
        self._anchors: dict[str, Any] = {}
        self._values = 0

    def read_document(self) -> None:
        has_started = False
        for event in self._events:
            if _kind(event) != "DocumentStartEvent":
                continue
            if has_started:
                self._add_fault(event, Fault((), "must be one document", "a second one"))
                return
            has_started = True
            self._document.tree = self._read_value(next(self._events), ())
        if self._document.tree is None and not self._document.faults:
            self._document.faults.append((1, Fault((), "must be a mapping", "an empty file")))

    def _read_value(self, event: Any, path: KeyPath) -> Any:
        self._values += 1
        line = _line(event)
        if len(path) > MOST_LEVELS:
            raise _LimitExceeded(line, too_deep_fault(path))
        if self._values > _MOST_VALUES:
            must = f"must hold at most {_MOST_VALUES:,} values"
            raise _LimitExceeded(line, Fault((), must, "more"))
        self._document.value_lines.setdefault(format_path(path), line)
        if _kind(event) == "AliasEvent":
            return self._expand_alias(event, path)
        self._refuse_tag(event, path)
        value = self._construct(event, path)
        if event.anchor:
            self._anchors[event.anchor] = value
        return value

    def _construct(self, event: Any, path: KeyPath) -> Any:
        if _kind(event) == "MappingStartEvent":
            return self._read_mapping(path)
        if _kind(event) == "SequenceStartEvent":
            return self._read_list(path)
        return self._read_scalar(event, path)

    def _read_mapping(self, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in self._events_until("MappingEndEvent"):
            key = self._read_key(event, path, mapping)
            if key is None:
                self._read_value(next(self._events), path)  # for the faults in it
            else:
                mapping[key] = self._read_value(next(self._events), (*path, key))
        return mapping

    def _read_list(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        for event in self._events_until("SequenceEndEvent"):
            items.append(self._read_value(event, (*path, len(items))))
        return items

    def _events_until(self, end: str) -> Iterator[Any]:
        """The parser's next events up to one of the kind ``end``, less those that are read in
        between.
        """
        for event in self._events:
            if _kind(event) == end:
                return
            yield event

    def _read_key(self, event: Any, path: KeyPath, mapping: dict[str, Any]) -> str | None:
        """A key as text; None where it can't be one or stands there already."""
        if _kind(event) != "ScalarEvent":
            found = describe(self._read_value(event, path))
            self._add_fault(event, Fault(path, "must have plain text as keys", found))
            return None
        self._refuse_tag(event, path)
        key = str(event.value)
        is_text = event.style in _FLOW_QUOTES or isinstance(parse_scalar(key), str)
        if not is_text or not is_printable_key(key):
            found = truncate(key) or "an empty key"
            self._add_fault(event, Fault(path, "must have plain text as keys", found))
            return None
        name = format_path((*path, key))
        if key in mapping:
            found = f"it again, first in line {self._document.key_lines[name]}"
            twice = Fault((*path, key), "must not stand there twice", found, on_key=True)
            self._add_fault(event, twice)
            return None
        self._document.key_lines.setdefault(name, _line(event))
        return key

    def _read_scalar(self, event: Any, path: KeyPath) -> Any:
        text = str(event.value)
        is_quoted = event.style in _FLOW_QUOTES or event.style in _BLOCK_STYLES
        value = text if is_quoted else parse_scalar(text)
        fault = scalar_fault(value, text, path)
        if fault:
            self._add_fault(event, fault)
            return None
        return value

    def _expand_alias(self, event: Any, path: KeyPath) -> Any:
        """What the anchor stands for. An alias inside its own anchor finds nothing yet, so there
        are no cycles.
        """
        if event.anchor not in self._anchors:
            must = "must refer to an anchor that stands complete before it"
            self._add_fault(event, Fault(path, must, f"*{event.anchor}"))
            return None
        value = self._anchors[event.anchor]
        values, levels = _extent(value)
        self._values += values
        if len(path) + levels > MOST_LEVELS:
            raise _LimitExceeded(_line(event), too_deep_fault(path))
        return value

    def _refuse_tag(self, event: Any, path: KeyPath) -> None:
        if event.tag:
            fault = Fault(path, "must not have a YAML tag", describe(str(event.tag)))
            self._add_fault(event, fault)

    def _add_fault(self, event: Any, fault: Fault) -> None:
        self._document.faults.append((_line(event), fault))


def _kind(event: object) -> str:
    """The name of an event's class: importing the classes would load ruamel.yaml for nothing."""
    return type(event).__name__


def _line(event: Any) -> int:
    """The line that an event begins in, from 1."""
    return int(event.start_mark.line) + 1


def _extent(value: Any) -> tuple[int, int]:
    """How many values there are in a value, itself included, and how many levels."""
    inner: list[Any] = []
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, list):
        inner = value
    extents = [_extent(item) for item in inner]
    values = sum(values for values, _ in extents)
    levels = max((levels for _, levels in extents), default=0)
    return 1 + values, 1 + levels
