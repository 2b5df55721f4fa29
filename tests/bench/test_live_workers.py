"""What many live workers cost their driver: workers that are no processes, 2 to 500 of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
CHILD = Path(__file__).with_name("children") / "live_workers.py"
GOALS = {24: 1.1, 48: 1.2, 500: 1.2}
WORKERS = [int(count) for count in os.environ.get("BENCH_WORKERS", "24,48,500").split(",")]


def measured(workers: int, epochs: int, folder: Path) -> dict[str, float]:
    """What a driver with so many workers takes for trials of so many epochs."""
    words = [sys.executable, str(CHILD), str(workers), str(epochs), str(folder)]
    told = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(told.stdout.splitlines()[-1])
    return found


def driver_ms(workers: int, folder: Path) -> float:
    """The driver's processor milliseconds for a trial of one epoch, the less of two turns."""
    turns = [measured(workers, 1, folder / f"{workers}-{turn}") for turn in range(2)]
    return min(turn["driver_ms"] for turn in turns)


def test_the_drivers_time_for_a_trial_beside_many_live_workers(
    tmp_path: Path, board: Board
) -> None:
    few = driver_ms(2, tmp_path)
    board.shown("the driver's processor time for a trial, 2 live workers", f"{few:.1f} ms")
    for workers in WORKERS:
        ratio = driver_ms(workers, tmp_path) / few
        board.at_most(f"- {workers} live workers over 2", ratio, GOALS.get(workers, 1.2), "×")


@pytest.mark.parametrize(("workers", "goal_ms"), [(2, 10), (24, 25)])
def test_an_epochs_way_to_the_journal_and_back(
    workers: int, goal_ms: float, tmp_path: Path, board: Board
) -> None:
    wait_ms = measured(workers, 10, tmp_path)["wait_ms"]
    what = f"median of an epoch's way to its durable record and back, {workers} live workers"
    board.at_most(what, wait_ms, goal_ms, "ms")
