"""Functions are imported by the text ``package.module:name``."""

from __future__ import annotations

import math

import pytest

from study.training.runtime.imports import import_function


def test_a_function_is_found_by_its_path() -> None:
    assert import_function("math:sqrt") is math.sqrt


@pytest.mark.parametrize(
    ("path", "error"),
    [("no_such_package:function", ImportError), ("math:no_such_function", AttributeError)],
)
def test_a_path_that_leads_nowhere_is_an_error(path: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        import_function(path)
