"""The tree of errors: each has an exit code, and stands in the drawing of its file."""

from __future__ import annotations

import inspect

import pytest

from study import errors
from study.errors import StudyError

CLASSES = [
    found
    for _, found in inspect.getmembers(errors, inspect.isclass)
    if found.__module__ == errors.__name__ and issubclass(found, StudyError)
]


@pytest.mark.parametrize("error", CLASSES)
def test_each_class_stands_in_the_drawing_of_the_tree_with_its_exit_code(
    error: type[StudyError],
) -> None:
    assert errors.__doc__ is not None
    lines = [
        line
        for line in errors.__doc__.splitlines()
        if line.split("─ ")[-1].startswith(error.__name__)
    ]
    assert len(lines) == 1
    if error is not StudyError:
        parent = error.__bases__[0]
        depth = lines[0].index(error.__name__) // 4
        assert depth == len(error.__mro__) - len(StudyError.__mro__)
        assert parent.exit_code == error.exit_code or f"({error.exit_code})" in lines[0]
    assert error.exit_code in (2, 3, 130)


def test_faults_are_told_all_at_once_in_their_order() -> None:
    error = errors.SpecError(["line 3: one", "line 9: two"])
    assert str(error) == "line 3: one\nline 9: two"
    assert error.lines == ("line 3: one", "line 9: two")


def test_who_holds_a_study_is_known() -> None:
    error = errors.StudyLocked("tiny", "process 12 on here")
    assert error.holder == "process 12 on here"
    assert str(error) == "study tiny is being driven by process 12 on here"
