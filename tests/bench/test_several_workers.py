"""What a second worker of a trial is worth: seconds an epoch, with one core each."""

from __future__ import annotations

import os
from statistics import median

import pytest

from ..study.training.test_team_trainings import case, train_all
from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
IMAGES = int(os.environ.get("BENCH_IMAGES", "256"))


def test_two_workers_reach_much_of_the_ideal_half(board: Board) -> None:
    """A ResNet-18 on images of 32 × 32 pixels, the second of two epochs, in turns."""
    data = {"name": "digits", "image_size": 32, "train_images": IMAGES, "batch_size": 64}
    recipe = {"model": {"name": "resnet18"}, "optimizer": {"name": "sgd", "lr": 0.01}}
    pair = case(1, 2, double=False, data=data, **recipe)
    seconds: dict[int, list[float]] = {1: [], 2: []}
    for told in train_all([pair] * ROUNDS):
        seconds[len(told)].append(told[0]["rows"][1]["train_seconds"])
    alone, together = median(seconds[1]), median(seconds[2])
    board.shown("resnet18, seconds of an epoch with one worker", f"{alone:.2f} s")
    board.shown("the same with two workers of one core each", f"{together:.2f} s")
    board.at_least("share of the ideal half that two workers reach", alone / 2 / together, 0.8, "")
