"""Functions of the user's own that a recipe names: found, and called as they can be called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

from study.training.runtime.failures import TrainingFailure
from study.training.runtime.imports import import_function
from study.training.runtime.signatures import signature_fault

PART = "part"
"""Where a failure's details have the name of the part that is at fault."""


@lru_cache(maxsize=64)
def _found(name: str, arguments: tuple[str, ...], options: tuple[str, ...]) -> Callable[..., Any]:
    try:
        function = import_function(name)
    except (ImportError, AttributeError) as error:
        raise part_failure(name, f"must be importable: {error}") from error
    fault = signature_fault(function, name, arguments, dict.fromkeys(options))
    if fault:
        raise part_failure(name, str(fault))
    return function


def own_function(
    name: str, arguments: tuple[str, ...], options: Mapping[str, Any]
) -> Callable[..., Any]:
    """Return the function ``package.module:name`` with its options in it.

    ``arguments`` are what it is called with besides. Raises a failure of class ``invalid`` where it
    can't be had, or not be called so.
    """
    return partial(_found(name, arguments, tuple(options)), **options)


def part_failure(name: str, message: str) -> TrainingFailure:
    """Return the failure of a part of the user's own."""
    return TrainingFailure("invalid", f"{name}: {message}", {PART: name})
