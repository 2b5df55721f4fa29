"""Where commands are tried."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from study.files.layout import StudyPaths


@pytest.fixture(scope="module")
def home(finished: StudyPaths, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished study in ./studies."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(finished.folder, folder / "studies" / "fake")
    return folder
