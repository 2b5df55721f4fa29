"""A hundred studies and a thousand: what listing them and asking over them costs, in processor
time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

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
                filled(Maker(made[count], name=f"s{number:05d}"), POINTS).summarize()
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
