"""Measurements at an earlier commit stand beside today's, and are blank where it can't make them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .board import Board
from .trees import CHILDREN, HERE, Trees, least, told, tree_at

needs_history = pytest.mark.skipif(not (HERE / ".git").exists(), reason="no history here")


@needs_history
def test_children_import_the_code_of_either_commit_in_turns(tmp_path: Path) -> None:
    trees = Trees(tree_at("HEAD", tmp_path / "tree"))
    where = "import study; print(study.__file__)"
    now, before = trees.in_turns(lambda tree: told(tree, "-c", where).strip(), 2)
    assert now == [str(HERE / "study" / "__init__.py")] * 2
    assert before == [str(tmp_path / "tree" / "study" / "__init__.py")] * 2


@needs_history
def test_a_study_file_is_measured_with_both(tmp_path: Path) -> None:
    trees = Trees(tree_at("HEAD", tmp_path / "tree"))
    child = str(CHILDREN / "study_files.py")
    now, before = least(trees.in_turns(lambda tree: float(told(tree, child, "quickstart")), 1))
    assert now > 0
    assert before is not None


def test_what_an_earlier_commit_cant_do_is_blank(tmp_path: Path) -> None:
    trees = Trees(tmp_path)
    asked: list[Path] = []

    def measure(tree: Path) -> float:
        asked.append(tree)
        if tree == tmp_path:
            raise subprocess.CalledProcessError(1, "study")
        return 2.0

    now, before = least(trees.in_turns(measure, 2))
    assert (now, before) == (2.0, None)
    assert asked == [HERE, tmp_path, HERE]
    board = Board(commit="abc")
    board.at_most("list", now, 3, "s", before)
    board.at_least("share", 91, 90, "%", 88.0)
    board.shown("memory", "5 MiB")
    assert board.table()[2:] == [
        "| what | goal | at abc | measured | measured / goal |  |",
        "| --- | --- | --- | --- | --- | --- |",
        "| list | ≤ 3 s |  | 2 s | 0.67 | met |",
        "| share | ≥ 90 % | 88 % | 91 % | 1.01 | met |",
        "| memory |  |  | 5 MiB |  |  |",
        "",
        "Blank at abc: not measured there, or not to be done by it.",
    ]


def test_without_an_earlier_commit_only_todays_code_is_measured() -> None:
    assert least(Trees().in_turns(lambda tree: 1.0, 2)) == (1.0, None)
    board = Board()
    board.at_most("list", 1.0, 3, "s")
    assert board.table()[2] == "| what | goal | measured | measured / goal |  |"
