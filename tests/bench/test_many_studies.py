"""A hundred studies and a thousand: what listing them and asking over them costs, in processor
time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from study.results.parquet import write_tables
from study.spec import load

from ..analysis.conftest import Maker, filled
from .board import Board
from .test_start import ROUNDS, run

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600), pytest.mark.filterwarnings("default")]
COMMAND = (sys.executable, "-m", "study.cli")
GOALS_S = {100: 0.3, 1000: 1.5}
COUNTS = [int(count) for count in os.environ.get("BENCH_STUDIES", "100,1000").split(",")]
POINTS = 10


@pytest.fixture(scope="module")
def storage_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Path]:
    """storage_of(100) -> a storage of so many finished studies, as their drivers have left them."""
    made: dict[int, Path] = {}

    def storage(count: int) -> Path:
        if count not in made:
            made[count] = tmp_path_factory.mktemp("studies")
            for number in range(count):
                study = filled(Maker(made[count], name=f"s{number:05d}"), POINTS)
                write_tables(study.paths)
                study.summarize()
        return made[count]

    return storage


def processor_seconds(*words: str, cwd: Path) -> float:
    """The least of some rounds: what else runs can only add to it."""
    return min(run(*COMMAND, *words, cwd=cwd)[1] for _ in range(ROUNDS))


@pytest.mark.parametrize("count", COUNTS)
def test_listing(
    count: int, storage_of: Callable[[int], Path], tmp_path: Path, board: Board
) -> None:
    storage = storage_of(count)
    spent = processor_seconds("list", "--storage", str(storage), cwd=tmp_path)
    what = f"study list of {count} studies of {POINTS} points"
    board.at_most(what, spent, GOALS_S.get(count, count), "s")


def test_one_question_to_a_hundred_studies(
    storage_of: Callable[[int], Path], tmp_path: Path, board: Board
) -> None:
    words = ("query", "SELECT count(*) FROM points", "--storage", str(storage_of(100)))
    board.at_most("study query over 100 studies", processor_seconds(*words, cwd=tmp_path), 0.8, "s")


def test_looking_at_one_of_them(
    storage_of: Callable[[int], Path], tmp_path: Path, board: Board
) -> None:
    at = ("s00001", "--storage", str(storage_of(100)))
    board.at_most("study table", processor_seconds("table", *at, cwd=tmp_path), 0.5, "s")
    to = ("--to", str(tmp_path / "report.html"))
    board.at_most("study report", processor_seconds("report", *at, *to, cwd=tmp_path), 1.5, "s")


@pytest.mark.parametrize(("name", "goal_ms"), [("quickstart", 25), ("recipes", 60)])
def test_reading_a_study_file(name: str, goal_ms: float, board: Board) -> None:
    spent = []
    for _ in range(20):
        load._READ_BEFORE.clear()
        began = time.process_time()
        load.load_spec(name)
        spent.append(time.process_time() - began)
    board.at_most(f"the study file {name} read and checked", 1000 * min(spent), goal_ms, "ms")
