"""What is written as YAML reads well, and is read back equal."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from study.files.plain_data import first_unprintable
from study.files.yaml_reader import Document, read_yaml
from study.files.yaml_writer import write_yaml


def printable(text: str) -> bool:
    return first_unprintable(text) is None


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20).filter(printable)
)
keys = st.text(min_size=1, max_size=10).filter(printable)
trees: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(keys, trees, min_size=1, max_size=5))
def test_what_is_written_is_read_back_equal(tree: dict[str, Any]) -> None:
    document: Document = read_yaml(write_yaml(tree))
    assert [str(fault) for _, fault in document.faults] == []
    assert document.tree == tree


def test_what_fits_on_a_line_stays_on_it() -> None:
    tree = {"a": {"b": [1, 2.5, None], "c": True}, "d": []}
    assert write_yaml(tree) == "a: {b: [1, 2.5, null], c: true}\nd: []\n"


def test_what_does_not_fit_on_a_line_is_spread_over_several() -> None:
    long = {f"name_{number}": "x" * 20 for number in range(4)}
    tree = {"mapping": long, "list": [{"first": long}, 1, "y" * 100]}
    lines = write_yaml(tree).splitlines()
    assert lines[:2] == ["mapping:", f"  name_0: {'x' * 20}"]
    assert lines[5:8] == ["list:", "  - first:", f"      name_0: {'x' * 20}"]
    assert lines[-2:] == ["  - 1", f"  - {'y' * 100}"]


def test_text_that_would_be_read_as_something_else_is_quoted() -> None:
    texts = ["1e-3", "true", "null", "", "a: b", "plain text", "#", "first[0]"]
    written = write_yaml({"texts": texts})
    assert written == ('texts: ["1e-3", "true", "null", "", "a: b", plain text, "#", "first[0]"]\n')
