"""The pages that users read, and the code blocks in them.

A block may be preceded by a comment, ``<!-- not run: REASON -->``: then it is only parsed. A block
with a title is a file: ```` ```yaml title="my-study.yaml" ````.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUTPUT = ("text", "console")
"""Languages of blocks that show what a command prints."""
LANGUAGES = ("sh", "python", "yaml", *OUTPUT)

_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>.+?) -->\n)?"
    r"^```(?P<language>\w*)(?P<options>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]+)"')


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: str
    line: int
    language: str
    text: str
    title: str
    """The file that it is written to; empty where it is none."""
    reason: str
    """Why it isn't run; empty where it is."""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def page_files() -> list[Path]:
    """Return README and all pages of the docs."""
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def page_name(page: Path) -> str:
    """Return how a page is called in messages."""
    return str(page.relative_to(ROOT))


def blocks_of(page: Path) -> list[Block]:
    """Return a page's blocks in their order."""
    text = page.read_text()
    blocks = []
    for match in _BLOCK.finditer(text):
        title = _TITLE.search(match["options"])
        blocks.append(
            Block(
                page=page_name(page),
                line=text.count("\n", 0, match.start("language")) + 1,
                language=match["language"],
                text=match["text"],
                title=title[1] if title else "",
                reason=match["reason"] or "",
            )
        )
    return blocks


def all_blocks() -> list[Block]:
    """Return the blocks of all pages."""
    return [block for page in page_files() for block in blocks_of(page)]


def typed_in(block: Block) -> str:
    """Return the commands that a block has a user type: in a terminal's picture those after ``$``."""
    if block.language == "sh":
        return block.text
    if block.language != "console":
        return ""
    lines = [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
    return "\n".join(lines)
