"""What a file could hold is plain data, whether it was read from one or built in Python."""

from __future__ import annotations

import pytest

from study.files.plain_data import MOST_LEVELS, plain_data_faults, without_empty


@pytest.mark.parametrize(
    "tree",
    [
        {1: 2},
        {"a": {None: 1}},
        {"a": object()},
        {"a": float("nan")},
        {"a": 10**400},
        {"a": "\x00"},
        {"a": {1, 2}},
    ],
)
def test_a_tree_built_in_python_that_no_file_could_hold_is_a_fault(tree: object) -> None:
    assert len(plain_data_faults(tree)) == 1


def test_each_fault_names_its_place() -> None:
    tree = {"a": [1, {"b": {1, 2}}], "c": float("inf"), 3: 4}
    assert [str(fault) for fault in plain_data_faults(tree)] == [
        "must have plain text as keys; found 3",
        "a[1].b: must be plain data: text, numbers, true, false, lists, mappings; found set",
        "c: must be a finite number; found inf",
    ]


def test_a_tuple_is_a_list_and_a_tree_has_its_depth() -> None:
    assert plain_data_faults({"a": (1, "x", None, True, 2.5)}) == []
    tree: object = 1
    for _ in range(MOST_LEVELS + 1):
        tree = [tree]
    assert "must be at most 40 levels deep" in str(plain_data_faults(tree)[0])


def test_only_what_says_nothing_is_left_out() -> None:
    tree = {"a": None, "b": "", "c": [], "d": {}, "e": False, "f": 0, "g": {}}
    assert without_empty(tree, keep=["g"]) == {"e": False, "f": 0, "g": {}}
