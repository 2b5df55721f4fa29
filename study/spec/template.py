"""The file that a new study starts from."""

from __future__ import annotations

from pathlib import Path


def starting_file(name: str = "my-study") -> str:
    """A commented study file that is valid as it stands, for a study called ``name``."""
    text = Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    return text.replace("study: my-study ", f"study: {name} ", 1)
