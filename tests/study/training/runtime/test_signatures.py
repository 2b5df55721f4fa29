"""Whether a function can be called as it will be, said before it is."""

from __future__ import annotations

from typing import Any

import pytest

from study.training.runtime.signatures import signature_fault


def both(image_shape: Any, classes: int, hidden: int = 3, *, depth: int = 1) -> None: ...


def anything(*args: Any, **options: Any) -> None: ...


def needs(image_shape: Any, classes: int, hidden: int) -> None: ...


def fault(function: Any, **options: Any) -> str:
    return str(signature_fault(function, "m:f", ("image_shape", "classes"), options) or "")


def test_what_can_be_called_has_no_fault() -> None:
    assert fault(both) == fault(both, hidden=1, depth=2) == fault(anything, x=1) == ""
    assert fault(needs, hidden=1) == ""
    assert fault(dict.fromkeys) == fault(print) == ""


@pytest.mark.parametrize(
    ("function", "options", "expected"),
    [
        (
            both,
            {"hiden": 1},
            "must be an argument of m:f; found 'hiden'; accepted hidden | depth"
            " (did you mean hidden?)",
        ),
        (both, {"classes": 1}, "must be an argument of m:f; found 'classes'"),
        (needs, {}, "m:f must take (image_shape, classes); found m:f("),
        (lambda hidden: None, {}, "too many positional arguments"),
    ],
)
def test_what_can_not_be_called_says_why(
    function: Any, options: dict[str, Any], expected: str
) -> None:
    assert expected in fault(function, **options)
