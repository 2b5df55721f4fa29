"""One table of all measurements, at the end of ``make bench``."""

from __future__ import annotations

from pathlib import Path

import pytest

from .board import Board
from .trees import COMMIT, trees

__all__ = ["trees"]

BOARD = pytest.StashKey[Board]()
NOTHING = """\
import time
import torch
from study.training.data.datasets import DataSet

SECONDS = {seconds}


def data(spec, folder):
    images, labels = torch.zeros(8, 1, 2, 2), torch.arange(8) % 2
    return DataSet(images, labels, images, labels, 2)


def model(image_shape, classes):
    time.sleep(SECONDS)  # a data set is made once for all trials
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, classes))
"""
"""A data set and a network of next to nothing: a real training, checkpoint and figures included, in
5 ms.
"""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[BOARD] = Board(commit=COMMIT)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    board = config.stash[BOARD]
    if board.lines:
        terminalreporter.section("measured")
        for line in board.table():
            terminalreporter.write_line(line)


@pytest.fixture
def board(request: pytest.FixtureRequest) -> Board:
    return request.config.stash[BOARD]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder from which workers import what the measurements leave there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write_nothing(folder: Path, seconds: float = 0.0) -> dict[str, object]:
    """A recipe that trains for no more than ``seconds``."""
    name = f"nothing_{round(seconds * 1000)}"
    (folder / f"{name}.py").write_text(NOTHING.format(seconds=seconds))
    return {
        "epochs": 1,
        "data": {"name": f"{name}:data", "batch_size": 8},
        "model": {"name": f"{name}:model"},
    }
