"""Images for the scaled-down runs: real ones where the machine has them, else made-up ones in the
same layouts.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

IMAGES = 300
"""Images in each made-up or unpacked file."""


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with CIFAR-10 and CIFAR-100 in the official binary layout and MNIST in
    torchvision's.
    """
    folder = tmp_path_factory.mktemp("data")
    unpack = real_images() / "unpack.py"
    if unpack.is_file():
        subprocess.run(
            [sys.executable, str(unpack), str(folder), "--images", str(IMAGES)], check=True
        )
    else:
        made_up_cifar(folder)
    made_up_mnist(folder)
    return folder


def real_images() -> Path:
    return Path(os.environ.get("STUDY_TEST_DATA") or Path(__file__).parents[3] / "shared" / "data")


def made_up_cifar(folder: Path) -> None:
    names = [
        f"cifar-10-batches-bin/{name}.bin"
        for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
    ]
    for name, label_bytes, classes in [
        *((name, 1, 10) for name in names),
        ("cifar-100-binary/train.bin", 2, 100),
        ("cifar-100-binary/test.bin", 2, 100),
    ]:
        chance = np.random.default_rng(0)
        records = chance.integers(0, 256, (IMAGES, label_bytes + 3 * 32 * 32), dtype=np.uint8)
        records[:, :label_bytes] %= classes
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(records.tobytes())


def made_up_mnist(folder: Path) -> None:
    """Pictures of 28 × 28 pixels in which a bright row tells the class, in the IDX format."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        labels = np.arange(IMAGES, dtype=np.uint8) % 10
        images = np.random.default_rng(1).integers(0, 64, (IMAGES, 28, 28), dtype=np.uint8)
        images[np.arange(IMAGES), 2 * labels + 4] = 255
        (raw / f"{part}-images-idx3-ubyte").write_bytes(idx_header(images) + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(idx_header(labels) + labels.tobytes())


def idx_header(array: np.ndarray) -> bytes:
    """Unsigned bytes (8) in so many dimensions, then each dimension as a big-endian integer of 4
    bytes.
    """
    return bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
