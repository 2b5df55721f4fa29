"""Small recipes, real images where this machine has them, and a checkpoint store that keeps every
epoch.
"""

from __future__ import annotations

import gzip
import io
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from study.training.checkpoint import CheckpointState
from study.training.data.datasets import load_data_set
from study.training.data.loaders import make_loaders
from study.training.epoch_row import EpochRow
from study.training.loop import train
from study.training.metrics import evaluate
from study.training.models.factory import build_for_recipe
from study.training.optim.precision import MixedPrecision
from study.training.recipe.file import read_recipe
from study.training.recipe.recipe import Recipe, merge
from study.training.runtime.randomness import isolated_process_state
from study.training.summary import Outcome

IMAGES_PER_FILE = 200
BESIDE = Path(__file__).parents[4] / "shared" / "data"

CLOCKS = {"train_seconds", "eval_seconds", "seconds", "images_per_second", "peak_memory_bytes"}
"""What depends on the machine, and not on the recipe."""

TINY: dict[str, Any] = {
    "model": {"name": "mlp", "width": 0.1, "dropout": 0.2},
    "data": {
        "name": "digits",
        "train_images": 48,
        "test_images": 20,
        "batch_size": 20,
        "augment": "shift",
    },
    "epochs": 3,
}
"""43 images train in 3 steps an epoch, the last of them 3 images."""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny() -> Callable[..., Recipe]:
    """A recipe of milliseconds, with values laid over it."""
    return lambda **over: Recipe.model_validate(merge(TINY, over))


class Memory:
    """A checkpoint store in memory: ``kept`` has each epoch's bytes; ``latest`` gives the newest up
    to ``upto``.
    """

    def __init__(self, kept: dict[int, bytes] | None = None, upto: int | None = None) -> None:
        self.kept = {
            epoch: state for epoch, state in (kept or {}).items() if upto is None or epoch <= upto
        }

    def latest(self) -> CheckpointState | None:
        return self.state(max(self.kept)) if self.kept else None

    def save(self, epoch: int, state: CheckpointState) -> None:
        buffer = io.BytesIO()
        torch.save(state, buffer)
        self.kept[epoch] = buffer.getvalue()

    def state(self, epoch: int) -> CheckpointState:
        state: CheckpointState = torch.load(io.BytesIO(self.kept[epoch]), weights_only=True)
        return state


def trained(recipe: Recipe, **options: Any) -> tuple[list[EpochRow], Outcome]:
    """The rows of a training that is never stopped, and its outcome."""
    rows: list[EpochRow] = []
    outcome = train(recipe, report=lambda row: rows.append(row) is None, **options)
    return rows, outcome


def timeless(rows: list[EpochRow]) -> list[EpochRow]:
    return [{key: value for key, value in row.items() if key not in CLOCKS} for row in rows]


def unpacked(name: str, layout: str, factory: pytest.TempPathFactory) -> Path:
    """A data folder with the first images of each file of a set in its official binary layout."""
    source = Path(os.environ.get("STUDY_TEST_DATA") or BESIDE)
    if (source / layout).is_dir():
        return source
    if not (source / "unpack.py").is_file():
        pytest.skip(
            f"no {name} images: neither {source}/{layout} nor {source}/unpack.py (see"
            " STUDY_TEST_DATA)"
        )
    cache = Path(tempfile.gettempdir()) / f"study-tests-{os.getuid()}-{name}-{IMAGES_PER_FILE}"
    if not cache.exists():  # unpacking takes longer than all tests that use it
        folder = factory.mktemp(name)
        command = [
            sys.executable,
            str(source / "unpack.py"),
            str(folder),
            name,
            "--images",
            str(IMAGES_PER_FILE),
        ]
        subprocess.run(command, check=True, capture_output=True)
        try:
            folder.rename(cache)
        except OSError:  # another run was first, or it is on another disk
            return folder
    return cache


@pytest.fixture(scope="session")
def cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("cifar10", "cifar-10-batches-bin", tmp_path_factory)


@pytest.fixture(scope="session")
def cifar100(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked("cifar100", "cifar-100-binary", tmp_path_factory)


def write_mnist(folder: Path) -> None:
    """Write 30 training and 10 test images in torchvision's layout."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, count in (("train", 30), ("t10k", 10)):
        pixels = np.arange(count * 28 * 28, dtype=np.uint8).tobytes()
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, count, 28, 28) + pixels
        )
        labels = bytes(number % 10 for number in range(count))
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + labels)
        (raw / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b""))


def exported_metrics(folder: Path) -> dict[str, float]:
    """The metrics on the test images of the weights in an exported folder, loaded from there."""
    recipe = read_recipe(folder / "recipe.yaml")
    cpu = torch.device("cpu")
    data = load_data_set(recipe.data)
    with isolated_process_state(recipe, cpu):
        model = build_for_recipe(recipe, data.image_shape, data.classes)
        model.load_state_dict(load_file(folder / "weights.safetensors"))
        batches = make_loaders(recipe, data, cpu).test.epoch(1)
        precision = MixedPrecision(recipe.precision, cpu)
        return evaluate(model.eval(), precision, lambda: None, batches)
