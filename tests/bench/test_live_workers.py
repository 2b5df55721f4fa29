"""What many live workers cost their driver: workers that are no processes, 2 to 500 of them."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from .board import Board
from .trees import CHILDREN, Trees, least, told

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
ROUNDS = 2
GOALS = {24: 1.1, 48: 1.2, 500: 1.2}
WORKERS = [int(count) for count in os.environ.get("BENCH_WORKERS", "24,48,500").split(",")]


def measured(tree: Path, workers: int, epochs: int, folder: Path) -> dict[str, float]:
    """What a driver with so many workers takes for trials of so many epochs."""
    storage = tempfile.mkdtemp(dir=folder)
    words = (str(CHILDREN / "live_workers.py"), str(workers), str(epochs), storage)
    found: dict[str, float] = json.loads(told(tree, *words).splitlines()[-1])
    return found


def driver_ms(trees: Trees, workers: int, folder: Path) -> tuple[float, float | None]:
    """The driver's processor milliseconds for a trial of one epoch: today's, and at the earlier
    commit.
    """
    return least(
        trees.in_turns(lambda tree: measured(tree, workers, 1, folder)["driver_ms"], ROUNDS)
    )


def test_the_drivers_time_for_a_trial_beside_many_live_workers(
    tmp_path: Path, board: Board, trees: Trees
) -> None:
    few, few_before = driver_ms(trees, 2, tmp_path)
    shown = [f"{each:.1f} ms" if each else "" for each in (few, few_before)]
    board.shown("the driver's processor time for a trial, 2 live workers", *shown)
    for workers in WORKERS:
        many, many_before = driver_ms(trees, workers, tmp_path)
        before = many_before / few_before if many_before and few_before else None
        goal = GOALS.get(workers, 1.2)
        board.at_most(f"- {workers} live workers over 2", many / few, goal, "×", before)


@pytest.mark.parametrize(("workers", "goal_ms"), [(2, 10), (24, 25)])
def test_an_epochs_way_to_the_journal_and_back(
    workers: int, goal_ms: float, tmp_path: Path, board: Board, trees: Trees
) -> None:
    turns = trees.in_turns(lambda tree: measured(tree, workers, 10, tmp_path)["wait_ms"], 1)
    now, before = least(turns)
    what = f"median of an epoch's way to its durable record and back, {workers} live workers"
    board.at_most(what, now, goal_ms, "ms", before)
