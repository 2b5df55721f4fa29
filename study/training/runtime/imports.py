"""Functions named in a recipe or a catalog as ``package.module:name``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any


def import_function(path: str) -> Callable[..., Any]:
    """Import the function that ``package.module:name`` names.

    Raises ImportError or AttributeError where there is none.
    """
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
