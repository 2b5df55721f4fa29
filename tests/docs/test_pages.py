"""What the pages say could be typed as it stands; ``make docs-test`` types it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from study.files.yaml_reader import read_yaml
from study.spec.load import load_spec, spec_from_tree

from . import reference
from .commands import check_command, study_commands
from .pages import LANGUAGES, ROOT, Block, all_blocks, page_files, page_name, typed_in

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
PAGES = page_files()
BLOCKS = all_blocks()


@pytest.mark.parametrize("name", reference.pages())
def test_the_reference_says_what_the_code_says(name: str) -> None:
    is_written = (reference.FOLDER / name).read_text()
    assert is_written == reference.pages()[name], "run `make docs` and commit what it has written"


def test_each_block_says_what_it_is() -> None:
    assert [str(block) for block in BLOCKS if block.language not in LANGUAGES] == []


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language in ("sh", "console")], ids=str
)
def test_each_command_could_be_typed(block: Block) -> None:
    for words in study_commands(typed_in(block)):
        check_command(words)


def test_a_command_that_could_not_be_typed_is_found() -> None:
    commands = list(
        study_commands("cd x && study tabel NAME | head # study\nstudy table --knd=x y")
    )
    assert commands == [["tabel", "NAME"], ["table", "--knd=x", "y"]]
    with pytest.raises(AssertionError, match="no such command"):
        check_command(commands[0])
    with pytest.raises(Exception, match="--knd"):
        check_command(commands[1])


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language == "python"], ids=str
)
def test_each_python_block_is_python(block: Block) -> None:
    ast.parse(block.text)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "yaml"], ids=str)
def test_each_study_file_is_one(block: Block, tmp_path: Path) -> None:
    tree = read_yaml(block.text.encode()).tree
    if "train" in tree:
        return  # it names code of its page, and is run with it
    if "study" in tree:
        file = tmp_path / "study.yaml"
        file.write_text(block.text)
        load_spec(str(file))
    else:
        space = {"optimizer.lr": {"log": [1e-4, 1e-1]}}
        spec_from_tree({"study": "part", "points": 1, "space": space, **tree})


def test_what_is_not_run_says_why() -> None:
    reasons = {str(block): block.reason for block in BLOCKS if block.reason}
    assert all(len(reason.split()) >= 4 for reason in reasons.values()), reasons
    assert len(reasons) <= len(BLOCKS) / 2, "most of what is shown is run"


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_each_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text()):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        aim = (page.parent / file).resolve() if file else page
        assert aim.exists(), f"{page_name(page)}: {target} leads nowhere"
        assert aim.is_relative_to(ROOT)
        if anchor:
            assert anchor in _anchors(aim), f"{page_name(page)}: {target}: no such heading"


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings
    }
