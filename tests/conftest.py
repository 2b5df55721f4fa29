"""What all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .study.command import end_what_is_left

SLOWEST = ("test_run.py", "test_client.py", "test_run_s3.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take minutes begin, so that of two processes neither is left with one in the
    end.
    """
    items.sort(key=lambda item: item.path.name not in SLOWEST)


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A test that fails leaves no study behind that takes the machine from those after it."""
    yield
    end_what_is_left()
