"""Every block of every page is run as its reader would, page by page (``make docs-test``)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import OUTPUT, Block, blocks_of, page_files, page_name

pytestmark = [pytest.mark.docs, pytest.mark.timeout(1800)]

PAGES = [page for page in page_files() if any(not block.reason for block in blocks_of(page))]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    for block in blocks_of(page):
        if not block.reason and block.language not in OUTPUT:
            _follow(block, tmp_path)


def _follow(block: Block, folder: Path) -> None:
    if block.title:
        (folder / block.title).write_text(block.text)
    elif block.language == "sh":
        _run(block, ["bash", "-euo", "pipefail", "-c", block.text], folder)
    elif block.language == "python":
        _run(block, [sys.executable, "-c", block.text], folder)


def _run(block: Block, command: list[str], folder: Path) -> None:
    here = Path(sys.executable).parent
    surroundings = {**os.environ, "PATH": f"{here}:{os.environ['PATH']}", "COLUMNS": "120"}
    surroundings["XDG_CONFIG_HOME"] = str(folder / ".config")
    done = subprocess.run(
        command,
        cwd=folder,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{block}:\n{block.text}\n{done.stdout}"
