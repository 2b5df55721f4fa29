"""What an unquoted word in a YAML file stands for: the core schema of YAML 1.2, section 10.3.2."""

from __future__ import annotations

import math
import re

from study.files.plain_data import LARGEST_INTEGER

_NULL = re.compile(r"~|null|Null|NULL|")
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEXADECIMAL = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_MOST_DIGITS = 20  # a longer integer doesn't fit into 64 bits, and isn't worth converting


def parse_scalar(text: str) -> bool | int | float | str | None:
    """Return the value of an unquoted scalar.

    A number that is not finite is nan, and an integer of too many digits one that no file may hold:
    both are refused by ``scalar_fault``.
    """
    if _NULL.fullmatch(text):
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) <= _MOST_DIGITS else LARGEST_INTEGER + 1
    if _OCTAL_OR_HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return math.nan
    return text
