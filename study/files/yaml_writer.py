"""Plain data as YAML text that reads well and that ``study.files.yaml_reader`` reads back equal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

from study.files.yaml_scalars import parse_scalar

_WIDTH = 100  # so long a line may be before a mapping or list is spread over several
_FOLDED = re.compile("[\x7f-\xa0\u2028\u2029]")  # line breaks and blanks that YAML would fold
_NEEDS_NO_QUOTES = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")


def write_yaml(tree: Mapping[str, object]) -> str:
    """Return block-style YAML of plain data; short lists and mappings stay on a line."""
    return "".join(f"{line}\n" for line in _mapping_lines(tree, ""))


def _mapping_lines(tree: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, value in tree.items():
        head = f"{indent}{_scalar_text(key)}:"
        on_one_line = f"{head} {_flow_text(value)}"
        is_nested = bool(value) and isinstance(value, dict | list | tuple)
        if not is_nested or len(on_one_line) <= _WIDTH:
            yield on_one_line
            continue
        yield head
        if isinstance(value, dict):
            yield from _mapping_lines(value, indent + "  ")
        elif isinstance(value, list | tuple):
            yield from _list_lines(value, indent)


def _list_lines(items: Sequence[object], indent: str) -> Iterator[str]:
    for item in items:
        on_one_line = f"{indent}  - {_flow_text(item)}"
        if not item or not isinstance(item, dict) or len(on_one_line) <= _WIDTH:
            yield on_one_line
            continue
        lines = list(_mapping_lines(item, indent + "    "))
        yield f"{indent}  - {lines[0].lstrip()}"
        yield from lines[1:]


def _flow_text(value: object) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        entries = [f"{_scalar_text(key)}: {_flow_text(item)}" for key, item in value.items()]
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow_text(item) for item in value) + "]"
    return _scalar_text(value)


def _scalar_text(value: object) -> str:
    """A scalar as YAML text: plain where that reads back as the same text, else in double
    quotes.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if _NEEDS_NO_QUOTES.fullmatch(text) and isinstance(parse_scalar(text), str):
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _FOLDED.sub(_escaped, quoted)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"
