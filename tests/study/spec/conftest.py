"""A study file with every key of the grammar."""

from __future__ import annotations

from pathlib import Path

import pytest

from .studies import EXAMPLE


@pytest.fixture
def example(tmp_path: Path) -> Path:
    file = tmp_path / "example.yaml"
    file.write_text(EXAMPLE)
    return file
