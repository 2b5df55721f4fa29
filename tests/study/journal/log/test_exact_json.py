"""JSON is read exactly as Python's own module reads it, or refused as that refuses it."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.journal.log.exact_json import decode_json

NUMBERS = st.integers() | st.integers(min_value=-(2**70), max_value=2**70) | st.floats()
TEXTS = st.text() | st.text(st.characters(categories=["Cs", "Cc", "Ll"]))
TREES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda parts: st.lists(parts) | st.dictionaries(TEXTS, parts),
    max_leaves=20,
)


def outcome(read: Any, data: bytes) -> object:
    """What a reader makes of bytes: the value with its types and the order of its keys, or the
    error's kind.
    """
    try:
        return exactly(read(data))
    except (ValueError, RecursionError) as error:
        return type(error)


def exactly(value: Any) -> object:
    if isinstance(value, dict):
        return [(key, exactly(each)) for key, each in value.items()]
    if isinstance(value, list):
        return [*map(exactly, value)]
    if isinstance(value, float):
        return struct.pack("d", value)
    return type(value), value


def check_alike(data: bytes) -> None:
    assert outcome(decode_json, data) == outcome(json.loads, data)


@given(TREES, st.booleans())
def test_what_python_writes_is_read_back_alike(tree: object, is_ascii: bool) -> None:
    text = json.dumps(tree, ensure_ascii=is_ascii)
    check_alike(text.encode("utf-8", "surrogatepass"))


@given(TREES, st.data())
def test_what_was_damaged_is_read_or_refused_alike(tree: object, data: st.DataObject) -> None:
    content = bytearray(json.dumps(tree).encode())
    for _ in range(data.draw(st.integers(1, 3), "damages")):
        at = data.draw(st.integers(0, len(content) - 1), "byte")
        content[at] = data.draw(st.integers(0, 255) | st.sampled_from(b'"\\{}[]:,.eE-+0\n'))
    check_alike(bytes(content))


@given(st.from_regex(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_any_number_is_read_alike(number: str) -> None:
    check_alike(number.encode())


@given(st.floats(allow_nan=False), st.integers(0, 30))
def test_a_number_written_with_any_precision_is_read_alike(number: float, digits: int) -> None:
    check_alike(f"{number:.{digits}e}".encode())


@pytest.mark.parametrize(
    "data",
    [
        b"NaN",
        b"[Infinity, -Infinity]",
        b"1e400",
        b"-0",
        b"18446744073709551616",
        b"1" * 4300,
        b"1" * 4301,
        b'{"a": 1, "b": 2, "a": 3}',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'"\\ud83d\\ude00"',
        b'"\x01"',
        b"\xef\xbb\xbf1",
        "[1]".encode("utf-16"),
        "[1]".encode("utf-32-be"),
        b"",
        b"1 2",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda data: repr(data[:12]),
)
def test_what_one_of_the_two_reads_otherwise_is_read_alike(data: bytes) -> None:
    check_alike(data)


def test_a_float_is_never_made_of_a_whole_number() -> None:
    assert decode_json(b"[36893488147419103232, 9007199254740993]") == [2**65, 2**53 + 1]
    assert math.isnan(decode_json(b"NaN"))
