"""The project as it is and as it was at the commit that ``BENCH_BEFORE`` names, so that children
measure the same with each, in turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

Found = TypeVar("Found")
HERE = Path(__file__).parents[2]
COMMIT = os.environ.get("BENCH_BEFORE", "")
CHILDREN = Path(__file__).with_name("children")


@dataclass
class Trees:
    """Folders with the project's code: today's, and an earlier one's unless there is none."""

    before: Path | None = None

    def in_turns(
        self, measure: Callable[[Path], Found], rounds: int
    ) -> tuple[list[Found], list[Found]]:
        """What ``measure`` finds with each tree, round by round, today's first; an earlier one that
        can't do it has found nothing.
        """
        now: list[Found] = []
        before: list[Found] = []
        can = self.before is not None
        for _ in range(rounds):
            now.append(measure(HERE))
            if not can:
                continue
            assert self.before is not None
            try:
                before.append(measure(self.before))
            except subprocess.CalledProcessError:
                can = False
        return now, before if can else []


Turns = tuple[list[float], list[float]]
"""What each round found, today's and the earlier commit's."""


def least(turns: Turns) -> tuple[float, float | None]:
    """The least of each tree's rounds, to which whatever else runs has only added; None for a tree
    that has found nothing.
    """
    now, before = turns
    return min(now), min(before, default=None)


def tree_at(commit: str, folder: Path) -> Path:
    """Write the project as it was at a commit into a folder."""
    packed = subprocess.run(["git", "archive", commit], cwd=HERE, capture_output=True, check=True)
    folder.mkdir(parents=True)
    subprocess.run(["tar", "-x"], cwd=folder, input=packed.stdout, check=True)
    return folder


def environment(tree: Path) -> dict[str, str]:
    """The environment in which children import a tree's code."""
    return os.environ | {"PYTHONPATH": str(tree)}


def told(tree: Path, *words: str, cwd: Path | None = None) -> str:
    """What Python prints with a tree's code, in that tree unless it is told another folder without
    any; CalledProcessError where it fails.
    """
    done = subprocess.run(
        [sys.executable, *words],
        cwd=cwd or tree,
        env=environment(tree),
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    """Today's code, and an earlier one's where that is asked for."""
    if not COMMIT:
        return Trees()
    return Trees(tree_at(COMMIT, tmp_path_factory.mktemp("before") / "tree"))
