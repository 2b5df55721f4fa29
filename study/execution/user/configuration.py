"""The user's own folders, by the XDG convention: for what is said once, and for what can be made
again.
"""

from __future__ import annotations

import os
from pathlib import Path


def configuration_folder() -> Path:
    """Return the folder for what is said once; it need not be there."""
    return _folder_of("XDG_CONFIG_HOME", ".config")


def cache_folder() -> Path:
    """Return the folder for what can be made again; it need not be there."""
    return _folder_of("XDG_CACHE_HOME", ".cache")


def _folder_of(variable: str, default: str) -> Path:
    stated = Path(os.environ.get(variable, ""))
    base = stated if stated.is_absolute() else Path(os.path.expanduser("~"), default)
    return base / "ray-study"
