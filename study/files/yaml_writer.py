"""Plain data as YAML text that reads well and that ``study.files.yaml_reader`` reads back equal."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from study.files.yaml_reader import core_schema

_WIDTH = 100  # so long a line may be before a mapping or list is spread over several
_SPECIAL = re.compile("[\x7f-\xa0\u2028\u2029]")  # line breaks and blanks that YAML would fold
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*")


def write_yaml(tree: Mapping[str, object]) -> str:
    """Block-style YAML of plain data that ``read_yaml`` reads back equal; short lists and mappings
    stay on a line.
    """
    return "".join(f"{line}\n" for line in _block(tree, ""))


def _block(tree: Mapping[str, object], indent: str) -> Iterator[str]:
    for key, value in tree.items():
        flat = _flow(value)
        head = f"{indent}{_scalar_text(key)}:"
        if (
            not isinstance(value, dict | list | tuple)
            or not value
            or len(head) + 1 + len(flat) <= _WIDTH
        ):
            yield f"{head} {flat}"
        elif isinstance(value, dict):
            yield head
            yield from _block(value, indent + "  ")
        else:
            yield head
            for item in value:
                lines = (
                    list(_block(item, indent + "    ")) if isinstance(item, dict) and item else []
                )
                if not lines or len(indent) + 4 + len(_flow(item)) <= _WIDTH:
                    yield f"{indent}  - {_flow(item)}"
                else:
                    yield f"{indent}  - {lines[0].lstrip()}"
                    yield from lines[1:]


def _flow(value: object) -> str:
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{_scalar_text(key)}: {_flow(item)}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar_text(value)


def _scalar_text(value: object) -> str:
    """A scalar as YAML text: plain where that reads back as the same text, double-quoted
    elsewhere.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and isinstance(core_schema(text), str):
        return text
    return _SPECIAL.sub(
        lambda match: f"\\u{ord(match.group()):04x}", json.dumps(text, ensure_ascii=False)
    )
