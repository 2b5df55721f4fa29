"""Every block of every page is run as its reader would, page by page (``make docs-test``)."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .pages import Block, blocks_of, page_files, page_name, typed_in

pytestmark = [pytest.mark.docs, pytest.mark.timeout(1800)]

PAGES = [page for page in page_files() if any(not block.reason for block in blocks_of(page))]


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_a_page_can_be_followed(page: Path, tmp_path: Path) -> None:
    known: list[str] = []
    for block in blocks_of(page):
        if block.reason:
            continue
        if block.title:
            (tmp_path / block.title).write_text(block.text)
        elif block.language == "python":
            known += _imports(block.text)
            _run(block, [sys.executable, "-c", "\n".join([*known, block.text])], tmp_path)
        elif typed_in(block):
            _run(block, ["bash", "-euo", "pipefail", "-c", typed_in(block)], tmp_path)


def _imports(text: str) -> list[str]:
    """Return the imports of a block, which later blocks of its page rely on."""
    found = [each for each in ast.parse(text).body if isinstance(each, ast.Import | ast.ImportFrom)]
    return [ast.unparse(each) for each in found]


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
