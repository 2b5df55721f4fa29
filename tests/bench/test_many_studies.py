"""A hundred studies and a thousand: what listing them and asking over them costs, in processor
time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from .board import Board
from .test_start import ROUNDS, processor_seconds
from .trees import CHILDREN, Trees, Turns, least, told

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200), pytest.mark.filterwarnings("default")]
GOALS_S = {100: 0.3, 1000: 1.5}
COUNTS = [int(count) for count in os.environ.get("BENCH_STUDIES", "100,1000").split(",")]
POINTS = 10
StorageOf = Callable[[Path, int], str]


@pytest.fixture(scope="module")
def storage_of(tmp_path_factory: pytest.TempPathFactory) -> StorageOf:
    """storage_of(tree, 100) -> a storage of so many finished studies, as its drivers leave them."""
    made: dict[tuple[Path, int], str] = {}

    def storage(tree: Path, count: int) -> str:
        if (tree, count) not in made:
            folder = str(tmp_path_factory.mktemp("studies"))
            told(tree, str(CHILDREN / "many_studies.py"), str(count), str(POINTS), folder)
            made[tree, count] = folder
        return made[tree, count]

    return storage


def commands(trees: Trees, *words: str, at: Callable[[Path], str]) -> Turns:
    """The processor seconds of a command, today's and the earlier commit's, on the storage ``at`` of
    either.
    """
    return trees.in_turns(
        lambda tree: processor_seconds(tree, *words, "--storage", at(tree)), ROUNDS
    )


@pytest.mark.parametrize("count", COUNTS)
def test_listing(count: int, storage_of: StorageOf, board: Board, trees: Trees) -> None:
    now, before = least(commands(trees, "list", at=lambda tree: storage_of(tree, count)))
    what = f"study list of {count} studies of {POINTS} points, processor time"
    board.at_most(what, now, GOALS_S.get(count, count), "s", before)


def test_one_question_to_all_studies(storage_of: StorageOf, board: Board, trees: Trees) -> None:
    words = ("query", "SELECT count(*) FROM points")
    now, before = least(commands(trees, *words, at=lambda tree: storage_of(tree, COUNTS[0])))
    board.at_most(f"study query over {COUNTS[0]} studies, processor time", now, 0.8, "s", before)


@pytest.mark.parametrize(("command", "goal_s"), [("table", 0.5), ("report", 1.5)])
def test_looking_at_one_of_them(
    command: str, goal_s: float, storage_of: StorageOf, board: Board, trees: Trees
) -> None:
    turns = commands(trees, command, "s00001", at=lambda tree: storage_of(tree, COUNTS[0]))
    now, before = least(turns)
    board.at_most(f"study {command}, processor time", now, goal_s, "s", before)
    board.shown("- the first time, with nothing kept from before", f"{turns[0][0]:.2f} s")


@pytest.mark.parametrize(("name", "goal_ms"), [("quickstart", 25), ("recipes", 60)])
def test_reading_a_study_file(name: str, goal_ms: float, board: Board, trees: Trees) -> None:
    child = str(CHILDREN / "study_files.py")
    now, before = least(trees.in_turns(lambda tree: float(told(tree, child, name)), ROUNDS))
    what = f"the study file {name} read and checked, processor time"
    board.at_most(what, now, goal_ms, "ms", before)
