"""What many live workers cost their driver: workers that are no processes, 2 to 500 of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
CHILD = Path(__file__).with_name("children") / "live_workers.py"
GOALS = {24: 1.1, 48: 1.2, 500: 1.2}
WORKERS = [int(count) for count in os.environ.get("BENCH_WORKERS", "24,48,500").split(",")]


def driver_ms(workers: int, folder: Path) -> float:
    """The driver's processor milliseconds for a trial."""
    words = [sys.executable, str(CHILD), str(workers), str(folder)]
    told = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return float(found["ms"])


def test_the_drivers_time_for_a_trial_beside_many_live_workers(
    tmp_path: Path, board: Board
) -> None:
    few = min(driver_ms(2, tmp_path / f"few-{turn}") for turn in range(2))
    board.shown("the driver's processor time for a trial, 2 live workers", f"{few:.1f} ms")
    for workers in WORKERS:
        many = min(driver_ms(workers, tmp_path / f"{workers}-{turn}") for turn in range(2))
        what = f"- {workers} live workers over 2"
        board.at_most(what, many / few, GOALS.get(workers, 1.2), "×")
