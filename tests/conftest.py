"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .study.command import end_what_is_left


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A test that fails leaves no study behind that takes the machine from those after it."""
    yield
    end_what_is_left()
