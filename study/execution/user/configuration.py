"""The user's own folder for what is said once, by the XDG convention."""

from __future__ import annotations

import os
from pathlib import Path


def configuration_folder() -> Path:
    """Return the folder; it need not be there."""
    stated = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    base = stated if stated.is_absolute() else Path(os.path.expanduser("~"), ".config")
    return base / "ray-study"
