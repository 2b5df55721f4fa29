"""Every block of every page is run as its reader would, page by page (``make docs-test``)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from .pages import Block, blocks_of, page_files, page_name, typed_in
from .shell import run

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
            code = "\n".join([*known, block.text])
            run([sys.executable, "-c", code], tmp_path, _told(block))
        elif typed_in(block):
            run(["bash", "-euo", "pipefail", "-c", typed_in(block)], tmp_path, _told(block))


def _imports(text: str) -> list[str]:
    """Return the imports of a block, which later blocks of its page rely on."""
    found = [each for each in ast.parse(text).body if isinstance(each, ast.Import | ast.ImportFrom)]
    return [ast.unparse(each) for each in found]


def _told(block: Block) -> str:
    """Return where a block stands and what it is, for the message where it fails."""
    return f"{block}:\n{block.text}"
