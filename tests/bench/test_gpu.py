"""On a GPU: our loop against one written by hand, and small networks side by side on one device.

Without a GPU each is listed as not measured. ``BENCH_DEVICE=cpu`` tries the code itself, on few images.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from typing import Any

import pytest
import torch
from torch import nn

from study.training.data import load
from study.training.loop import train
from study.training.models import build
from study.training.recipe import Recipe

from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600), pytest.mark.filterwarnings("default")]
DEVICE = os.environ.get("BENCH_DEVICE", "cuda" if torch.cuda.is_available() else "")
DATA_DIR = os.environ.get("STUDY_DATA_DIR")
WHERE = "on a GPU" if DEVICE != "cpu" else "on this CPU"
FEW = DEVICE == "cpu"
BATCH, EPOCHS, ROUNDS = (32, 2, 1) if FEW else (512, 6, 3)
IMAGES = 200 if FEW else 45_000 if DATA_DIR else 4500
PACKED = (1, 2) if FEW else (1, 2, 4, 8)


def recipe(model: str, epochs: int, batch_size: int = BATCH) -> Recipe:
    """A training in bf16 on synthetic images of CIFAR-10's size, or on these where they are."""
    tree: dict[str, Any] = {
        "epochs": epochs,
        "model": model,
        "data": {
            "name": "cifar10" if DATA_DIR else "synthetic",
            "batch_size": batch_size,
            "train_images": round(IMAGES / 0.9),
            "augment": {"name": "crop_flip", "pad": 4},
            "loader": "device",
        },
        "optimizer": {"name": "sgd", "lr": 0.05, "momentum": 0.9},
        "precision": "bf16",
        "execution": {"memory_format": "channels_last"},
    }
    return Recipe.model_validate(tree)


def by_hand(given: Recipe) -> float:
    """Images a second of the shortest loop that trains the same: images on the device, crop and flip of a batch."""
    data = load(given.data, DATA_DIR)
    images = data.train_images[:IMAGES].to(DEVICE).float().div(255).contiguous(memory_format=torch.channels_last)
    labels = data.train_labels[:IMAGES].to(DEVICE)
    model = build(given.model, data.image_shape, data.classes).to(DEVICE, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    rates = []
    for _ in range(EPOCHS):
        wait()
        began = time.perf_counter()
        padded = nn.functional.pad(images, (4, 4, 4, 4))
        for chosen in torch.randperm(IMAGES, device=DEVICE).split(BATCH):
            top, left = torch.randint(0, 9, (2,)).tolist()
            batch = padded[chosen, :, top : top + 32, left : left + 32]
            batch = torch.where(torch.rand(len(chosen), 1, 1, 1, device=DEVICE) < 0.5, batch.flip(3), batch)
            with torch.autocast(DEVICE, torch.bfloat16):
                loss = nn.functional.cross_entropy(model(batch), labels[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        wait()
        rates.append(IMAGES / (time.perf_counter() - began))
    return statistics.median(rates[1:])


def ours(given: Recipe) -> float:
    """Images a second of an epoch after the first, which warms up."""
    rows: list[dict[str, Any]] = []

    def report(row: Any) -> bool:
        rows.append(row)
        return True

    train(given, device=DEVICE, report=report, data_dir=DATA_DIR)
    return statistics.median(IMAGES / row["train_seconds"] for row in rows[1:])


def wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def rate_of_one(model: str, start: Any, rates: Any) -> None:
    """In a process of its own: train beside others, from when all are ready."""
    given = recipe(model, EPOCHS, BATCH // 4)
    load(given.data, DATA_DIR)
    start.wait()
    rates.put(ours(given))


def rate_together(model: str, processes: int) -> float:
    """Images a second of so many trainings at once on one device, all together."""
    context = multiprocessing.get_context("spawn")
    start, rates = context.Barrier(processes), context.Queue()
    running = [context.Process(target=rate_of_one, args=(model, start, rates)) for _ in range(processes)]
    for process in running:
        process.start()
    total = sum(rates.get(timeout=900) for _ in running)
    for process in running:
        process.join()
    return total


def test_against_a_loop_written_by_hand(board: Board) -> None:
    what = f"{WHERE}: images a second of resnet18 in bf16, over a loop written by hand"
    if not DEVICE:
        board.shown(what, "not measured: no GPU")
        pytest.skip("no GPU")
    given = recipe("resnet18", EPOCHS)
    pairs = [(ours(given), by_hand(given)) for _ in range(ROUNDS)]
    board.at_least(what, 100 * statistics.median(mine / theirs for mine, theirs in pairs), 90, "%")


@pytest.mark.parametrize("model", ["lenet", "small_cnn", "resnet18"])
def test_trainings_side_by_side(model: str, board: Board) -> None:
    what = f"{WHERE}: {model}, images a second of {', '.join(map(str, PACKED))} trainings at once"
    if not DEVICE:
        board.shown(what, "not measured: no GPU")
        pytest.skip("no GPU")
    together = [rate_together(model, processes) for processes in PACKED]
    assert all(rate > 0 for rate in together)
    board.shown(what, ", ".join(f"{rate:,.0f}" for rate in together))
