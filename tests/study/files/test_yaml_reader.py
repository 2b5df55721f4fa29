"""YAML as plain data: YAML 1.2 scalars, lines, and every way in which a text can fail to be plain
data.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.files.plain_data import plain_data_faults
from study.files.yaml_reader import LARGEST_BYTES, read_yaml


def faults(text: str | bytes) -> list[tuple[int, str]]:
    return [(line, str(fault)) for line, fault in read_yaml(text).faults]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1e5", 100000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-7", -7),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("no", "no"),
        ("off", "off"),
        ("True", True),
        ("false", False),
        ("~", None),
        ("", None),
        ("2026-11-21", "2026-11-21"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("'1e-3'", "1e-3"),
        ('"true"', "true"),
        ("first[0]", "first[0]"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    document = read_yaml(f"key: {text}\n")
    assert document.faults == []
    assert document.tree == {"key": value}
    assert type(document.tree["key"]) is type(value)


def test_the_line_of_every_key_and_value_is_known() -> None:
    document = read_yaml("a: 1\nb:\n  c: [1,\n    2]\n  'd.e':\n    f: x\n")
    assert document.tree == {"a": 1, "b": {"c": [1, 2], "d.e": {"f": "x"}}}
    assert document.line(("a",)) == 1
    assert document.line(("b", "c", 1)) == 4
    assert document.line(("b", "d", "e", "f")) == 6
    assert document.line(("b", "d.e"), on_key=True) == 5
    assert document.line(("b", "missing")) == 2
    assert document.line(("missing",)) == 1


@pytest.mark.parametrize(
    ("text", "line", "fault"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "a: must not stand there twice; found it again, first in line 1"),
        ("a:\n  b: !!python/object:os.system x\n", 2, "a.b: must not have a YAML tag"),
        ("a: !custom {b: 1}\n", 1, "a: must not have a YAML tag; found '!custom'"),
        (
            "a: 1\nb: &x [*x]\n",
            2,
            "b[0]: must refer to an anchor that stands complete before it; found *x",
        ),
        ("a: *nowhere\n", 1, "a: must refer to an anchor"),
        ("a: 1\n1: 2\n", 2, "must have plain text as keys; found 1"),
        ("a: 1\n'': 2\n", 2, "must have plain text as keys; found an empty key"),
        ("? [a, b]\n: 2\n", 1, "must have plain text as keys; found ['a', 'b']"),
        ("a: .nan\n", 1, "a: must be a finite number; found .nan"),
        ("a: -.inf\n", 1, "a: must be a finite number; found -.inf"),
        ("a: 1e999\n", 1, "a: must be a finite number; found 1e999"),
        (f"a: {'9' * 5000}\n", 1, "a: must fit into 64 bits"),
        ('a: "\\0"\n', 1, "a: must be printable text; found the character U+0000"),
        ("a: 1\n---\nb: 2\n", 2, "must be one document; found a second one"),
        ("", 1, "must be a mapping; found an empty file"),
        ("# nothing\n", 1, "must be a mapping; found an empty file"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "must be valid YAML"),
        ("a: 1\n\tb: 2\n", 2, "must be valid YAML"),
        ("a: 'open\n", 2, "must be valid YAML"),
        ("a: 1\nb: \x07\n", 2, "must be printable text; found the character U+0007"),
        (b"a: 1\nb: \xff\xfe\n", 2, "must be UTF-8 text; found byte 0xff"),
        ("a: " + "[" * 500 + "]" * 500, 1, "must be at most 40 levels deep"),
        (b"#" * (LARGEST_BYTES + 1), 1, "must be at most 512 KiB"),
    ],
)
def test_what_is_no_plain_data_is_a_fault_at_its_line(
    text: str | bytes, line: int, fault: str
) -> None:
    found = faults(text)
    assert len(found) == 1, found
    assert found[0][0] == line
    assert fault in found[0][1]


def test_an_alias_is_expanded() -> None:
    assert read_yaml("a: &x {b: 1}\nc: *x\n").tree == {"a": {"b": 1}, "c": {"b": 1}}


def test_a_bomb_of_aliases_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert "must hold at most 100,000 values" in faults("\n".join(lines))[0][1]


def test_a_chain_of_aliases_is_no_deeper_than_a_file_may_be() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100))]
    assert "must be at most 40 levels deep" in faults("\n".join(lines))[0][1]


def test_an_entry_of_first_needs_no_quotes_inside_braces() -> None:
    assert read_yaml("confirm: {top: 3, against: first[0]}\n").tree == {
        "confirm": {"top": 3, "against": "first[0]"}
    }


@settings(deadline=None)
@given(st.text() | st.binary())
def test_any_text_gives_plain_data_or_a_fault(text: str | bytes) -> None:
    document = read_yaml(text)
    assert document.faults or plain_data_faults(document.tree) == []
