"""Images in folders, decoded as they come, against torchvision's ImageFolder with a DataLoader.

``STUDY_BENCH_IMAGES=200000`` draws so many JPEG files (2,000 without it, of 500 × 375 pixels), and
``STUDY_BENCH_NAMES=1200000`` makes an index of so many names (120,000 without it).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from study.training.data.datasets import load_data_set
from study.training.data.loaders import make_loaders
from study.training.recipe.recipe import Recipe
from study.training.runtime.reading import Reading
from study.training.runtime.torchvision import torchvision

from .board import Board

pytestmark = [pytest.mark.bench, pytest.mark.timeout(7200), pytest.mark.filterwarnings("default")]
IMAGES = int(os.environ.get("STUDY_BENCH_IMAGES", "2000"))
NAMES = int(os.environ.get("STUDY_BENCH_NAMES", "120000"))
CLASSES, DRAWN, SIDE, BATCH, WORKERS = 20, 100, 224, 64, 2
ROUNDS, MOST_A_ROUND = 6, 4000
_FIRST_BATCH = """
import json, sys, time
import psutil, torch
from study.training.data.datasets import load_data_set
from study.training.data.loaders import make_loaders
from study.training.recipe.recipe import Recipe
recipe = Recipe.model_validate(json.loads(sys.argv[1]))
before = psutil.Process().memory_info().rss
began = time.perf_counter()
loaders = make_loaders(recipe, load_data_set(recipe.data), torch.device("cpu"))
batches = loaders.train.epoch(1)
next(batches)
first_s = time.perf_counter() - began
for _ in range(10):
    next(batches)
print(json.dumps([first_s, before, psutil.Process().memory_info().rss]))
"""


def draw(folder: Path, count: int) -> Path:
    """Make JPEG files that differ by their pixels; of very many a few are linked to many names."""
    draws = np.random.default_rng(0)
    kinds = folder / "kinds"
    kinds.mkdir(parents=True)
    for number in range(DRAWN):
        coarse = draws.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((500, 375), Image.Resampling.BICUBIC)
        noise = draws.normal(0, 12, (375, 500, 3))
        pixels = (np.asarray(picture) + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(kinds / f"{number}.jpg", quality=85)
    for number in range(count):
        place = folder / "photos" / f"class{number % CLASSES:03}" / f"{number:07}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        os.link(kinds / f"{number % DRAWN}.jpg", place)
    return folder / "photos"


def recipe_for(folder: Path, **data: Any) -> Recipe:
    section = {
        "name": "folder",
        "path": str(folder),
        "image_size": SIDE,
        "batch_size": BATCH,
        "augment": "flip",
        "loader": {"name": "host", "workers": WORKERS},
    }
    return Recipe.model_validate({"data": section | data, "epochs": 1})


def pace_of(batches: Iterable[Any], most: int) -> tuple[float, float]:
    """Images a second from the second batch on, and images a second of processor time."""
    images, began, spent = 0, 0.0, 0.0
    for number, (each, _) in enumerate(batches):
        if number:
            images += len(each)
        else:
            began, spent = time.perf_counter(), processor_seconds()
        if images >= most:
            break
    return images / (time.perf_counter() - began), images / (processor_seconds() - spent)


def processor_seconds() -> float:
    """What this process has spent, with the loader processes that it has."""
    process = psutil.Process()
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def theirs(folder: Path) -> DataLoader[Any]:
    transforms = torchvision.transforms
    steps = [
        transforms.Resize((SIDE, SIDE), transforms.InterpolationMode.BICUBIC),
        transforms.RandomHorizontalFlip(),
        transforms.ToTensor(),
        transforms.Normalize((0.5, 0.5, 0.5), (0.2, 0.2, 0.2)),
    ]
    photos = torchvision.datasets.ImageFolder(str(folder), transforms.Compose(steps))
    return DataLoader(photos, BATCH, shuffle=True, num_workers=WORKERS, persistent_workers=True)


def test_images_a_second_beside_torchvision(tmp_path: Path, board: Board) -> None:
    folder = draw(tmp_path, IMAGES)
    recipe = recipe_for(folder)
    began = time.perf_counter()
    reading = Reading(threads=os.cpu_count() or 1)
    data = load_data_set(recipe.data, reading=reading)
    board.shown(f"index pass over {IMAGES:,} JPEG files", f"{time.perf_counter() - began:.1f} s")
    ours, others = make_loaders(recipe, data, torch.device("cpu")).train, theirs(folder)
    each_round = min(IMAGES // 2, MOST_A_ROUND)
    paces = []
    for epoch in range(1, ROUNDS + 1):
        our_pace, our_share = pace_of(ours.epoch(epoch), each_round)
        their_pace, their_share = pace_of(others, each_round)
        paces.append((our_pace, their_pace, our_pace / their_pace, our_share / their_share))
    board.shown("images a second, in turn: ours and ImageFolder's", _pairs(paces))
    by_clock, by_processor = (float(np.median([each[n] for each in paces])) for n in (2, 3))
    beside = "beside ImageFolder and DataLoader"
    board.at_least(f"images a second {beside}", by_clock, 0.95, "×")
    board.at_least(f"images a second of processor time {beside}", by_processor, 0.95, "×")
    seconds, _, resident = _first_batch(recipe)
    board.at_most(f"first batch of {IMAGES:,} images, indexed", seconds, 10, "s")
    board.at_most("resident memory of the training process", resident / 2**30, 1, "GiB")


def test_an_index_of_very_many_names(tmp_path: Path, board: Board) -> None:
    folder = draw(tmp_path, NAMES)
    recipe = recipe_for(folder)
    began = time.perf_counter()
    load_data_set(recipe.data, reading=Reading(threads=os.cpu_count() or 1))
    board.shown(f"index pass over {NAMES:,} names", f"{time.perf_counter() - began:.1f} s")
    seconds, before, resident = _first_batch(recipe)
    board.at_most(f"first batch of {NAMES:,} names, indexed", seconds, 10, "s")
    board.at_most(f"resident memory with {NAMES:,} names", resident / 2**30, 1, "GiB")
    board.shown("of which without any images", f"{before / 2**30:.2f} GiB")


def _first_batch(recipe: Recipe) -> list[float]:
    """In a process of its own: seconds to the first batch, resident bytes before and after it."""
    command = [sys.executable, "-c", _FIRST_BATCH, recipe.model_dump_json()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout)
    return found


def _pairs(paces: list[tuple[float, float, float, float]]) -> str:
    return ", ".join(f"{ours:.0f} and {others:.0f}" for ours, others, *_ in paces)
