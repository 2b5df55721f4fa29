"""On a GPU: our loop against one by hand, accuracies against published seconds, small networks side
by side.

Without a GPU each is listed as not measured. ``BENCH_DEVICE=cpu`` tries the code itself, on few
images.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from study.spec.load import load_spec
from study.training.data.datasets import load_data_set
from study.training.loop import train
from study.training.models.factory import build_model
from study.training.recipe.recipe import Recipe, merge
from study.training.runtime.randomness import isolated_process_state

from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600), pytest.mark.filterwarnings("default")]
DEVICE = os.environ.get("BENCH_DEVICE", "cuda" if torch.cuda.is_available() else "")
DATA_DIR = os.environ.get("STUDY_DATA_DIR")
WHERE = "on a GPU" if DEVICE != "cpu" else "on this CPU"
FEW = DEVICE == "cpu"
BATCH, EPOCHS, ROUNDS = (32, 2, 1) if FEW else (512, 6, 3)
IMAGES = 200 if FEW else 45_000 if DATA_DIR else 4500
PACKED = (1, 2) if FEW else (1, 2, 4, 8)
PUBLISHED = (
    "deepstudy_googlenet",
    "deepstudy_resnet",
    "flux_vgg16_resnet18",
    "annt_replica",
    "knet_stopping",
)
MPS = "nvidia-cuda-mps-control"
"""NVIDIA's server that runs the kernels of several processes at the same time."""


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
    """Images a second of the shortest loop that trains the same: images on the device, crop and
    flip of a batch, normalized, with cuDNN's switches as they are for ours.
    """
    with isolated_process_state(given, torch.device(DEVICE)):
        return rate_by_hand(given)


def rate_by_hand(given: Recipe) -> float:
    data = load_data_set(given.data, DATA_DIR)
    images = (
        data.train_images[:IMAGES]
        .to(DEVICE)
        .float()
        .div(255)
        .contiguous(memory_format=torch.channels_last)
    )
    labels = data.train_labels[:IMAGES].to(DEVICE)
    mean, deviation = (of((0, 2, 3), keepdim=True) for of in (images.mean, images.std))
    model = build_model(given.model, data.image_shape, data.classes).to(
        DEVICE, memory_format=torch.channels_last
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, fused=True)
    rates = []
    for _ in range(EPOCHS):
        wait()
        began = time.perf_counter()
        padded = nn.functional.pad(images, (4, 4, 4, 4))
        for chosen in torch.randperm(IMAGES, device=DEVICE).split(BATCH):
            top, left = torch.randint(0, 9, (2,)).tolist()
            batch = padded[chosen, :, top : top + 32, left : left + 32]
            batch = torch.where(
                torch.rand(len(chosen), 1, 1, 1, device=DEVICE) < 0.5, batch.flip(3), batch
            )
            batch = (batch - mean) / deviation
            with torch.autocast(DEVICE, torch.bfloat16):
                loss = nn.functional.cross_entropy(model(batch), labels[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        wait()
        rates.append(IMAGES / (time.perf_counter() - began))
    return statistics.median(rates[1:])


def rows_of(given: Recipe) -> tuple[list[dict[str, Any]], float]:
    """A training's epochs and its test accuracy at the end."""
    rows: list[dict[str, Any]] = []

    def report(row: Any) -> bool:
        rows.append(row)
        return True

    outcome = train(given, device=DEVICE, report=report, data_dir=DATA_DIR)
    return rows, float(outcome.summary["test_accuracy"] or 0.0)


def ours(given: Recipe) -> float:
    """Images a second of an epoch after the first, which warms up."""
    rows, _ = rows_of(given)
    return statistics.median(IMAGES / row["train_seconds"] for row in rows[1:])


def fast(**changes: Any) -> Recipe:
    """The shipped recipe for CIFAR-10; on a CPU a bit of it."""
    spec = load_spec("cifar10_fast")
    tree = spec.recipe(spec.first_values(0), 0).model_dump(mode="json")
    few = (
        {"epochs": 2, "data": {"train_images": 1200, "test_images": 500, "batch_size": 256}}
        if FEW
        else {}
    )
    return Recipe.model_validate(merge(merge(tree, few), changes))


def published_figures() -> list[tuple[float, float]]:
    """Test accuracies on CIFAR-10 and the seconds that they took, as published."""
    found = []
    for name in PUBLISHED:
        spec = load_spec(name)
        for number, first in enumerate(spec.first):
            if spec.recipe(spec.first_values(number), 0).data.name == "cifar10":
                figures = [
                    (row.get("test_accuracy"), row.get("seconds")) for row in first.published
                ]
                found += [
                    (float(a), float(s))
                    for a, s in figures
                    if isinstance(a, float) and isinstance(s, int | float)
                ]
    return found


@contextmanager
def mps(folder: Path) -> Iterator[None]:
    """A server of our own, which the processes started in this block share the GPU through."""
    told = {"CUDA_MPS_PIPE_DIRECTORY": str(folder), "CUDA_MPS_LOG_DIRECTORY": str(folder)}
    os.environ.update(told)
    try:
        subprocess.run([MPS, "-d"], check=True, timeout=30)
        yield
    finally:
        subprocess.run([MPS], input="quit -t 10\n", text=True, check=False)
        for name in told:
            del os.environ[name]


def wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def rate_of_one(model: str, start: Any, rates: Any) -> None:
    """In a process of its own: train beside others, from when all are ready."""
    given = recipe(model, EPOCHS, BATCH // 4)
    load_data_set(given.data, DATA_DIR)
    start.wait()
    rates.put(ours(given))


def rate_together(model: str, processes: int) -> float:
    """Images a second of so many trainings at once on one device, all together."""
    context = multiprocessing.get_context("spawn")
    start, rates = context.Barrier(processes, timeout=600), context.Queue()
    running = [
        context.Process(target=rate_of_one, args=(model, start, rates), daemon=True)
        for _ in range(processes)
    ]
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
def test_trainings_side_by_side(model: str, board: Board, tmp_path: Path) -> None:
    what = f"{WHERE}: {model}, images a second of {', '.join(map(str, PACKED))} trainings at once"
    if not DEVICE:
        board.shown(what, "not measured: no GPU")
        pytest.skip("no GPU")
    together = [rate_together(model, processes) for processes in PACKED]
    assert all(rate > 0 for rate in together)
    board.shown(what, f"{listed(together)}; {worth(together)}")
    if DEVICE != "cuda" or not shutil.which(MPS):
        board.shown(f"- through MPS: {model}", "not measured: no MPS")
        return
    try:
        with mps(tmp_path):
            shared = [rate_together(model, processes) for processes in PACKED]
    except subprocess.SubprocessError as error:  # as in most containers
        board.shown(f"- through MPS: {model}", f"not measured: {error}")
        return
    board.shown(f"- through MPS: {model}", f"{listed(shared)}; {worth(shared)}")


def listed(rates: list[float]) -> str:
    return ", ".join(f"{rate:,.0f}" for rate in rates)


def worth(rates: list[float]) -> str:
    """How many trainings at once bring most."""
    best = max(range(len(rates)), key=rates.__getitem__)
    return f"most with {PACKED[best]}, {rates[best] / rates[0]:.2f} x one"


def test_94_percent_on_cifar10(board: Board) -> None:
    what = f"{WHERE}: CIFAR-10 to 94 % by cifar10_fast, warm"
    if not DEVICE or not DATA_DIR:
        board.shown(what, f"not measured: no {'CIFAR-10' if DEVICE else 'GPU'}")
        pytest.skip("no GPU or no CIFAR-10")
    rows_of(fast(epochs=1))  # warms up
    runs = [rows_of(fast(seed=seed)) for seed in range(1 if FEW else 5)]
    accuracy = statistics.mean(reached for _, reached in runs)
    seconds = statistics.median(sum(row["train_seconds"] for row in rows) for rows, _ in runs)
    if accuracy >= 0.94:
        board.at_most(f"{what}: {accuracy:.4f} the mean of {len(runs)}", seconds, 15, "s")
    else:
        board.shown(what, f"not reached: {accuracy:.4f} in {seconds:.1f} s")


def test_published_accuracies_in_a_hundredth_of_their_time(board: Board) -> None:
    """Training time alone, as most of the published times are; by our recipe, not by the published
    one.
    """
    what = f"{WHERE}: published seconds to an accuracy on CIFAR-10, over those of cifar10_fast"
    if not DEVICE or not DATA_DIR:
        board.shown(what, f"not measured: no {'CIFAR-10' if DEVICE else 'GPU'}")
        pytest.skip("no GPU or no CIFAR-10")
    rows_of(fast(epochs=1))
    rows, _ = rows_of(fast(data={"validation": "test"}))
    spent, curve = 0.0, list[tuple[float, float]]()
    for row in rows:
        spent += row["train_seconds"]
        curve.append((row["test_accuracy"], spent))
    figures = published_figures()
    assert len(figures) > 20
    ratios = []
    for accuracy, seconds in figures:
        ours_then = next((then for reached, then in curve if reached >= accuracy), None)
        ratios.append(seconds / ours_then if ours_then else 0.0)
    reached = [ratio for ratio in ratios if ratio]
    board.shown(
        f"- rows reached of {len(figures)}, {curve[-1][0]:.4f} being ours at the end",
        f"{len(reached)}",
    )
    board.shown("- of these in a hundredth of their time; the median", ratio_line(reached))
    board.at_least(what, min(reached, default=0.0), 100, "×")


def ratio_line(ratios: list[float]) -> str:
    fine = sum(ratio >= 100 for ratio in ratios)
    return f"{fine}; {statistics.median(ratios):,.0f} ×" if ratios else "none"
