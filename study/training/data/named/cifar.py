"""CIFAR-10 and CIFAR-100 (https://www.cs.toronto.edu/~kriz/cifar.html).

They are read from the official binary layout where it is there, else from torchvision's layout,
whose pickles are opened only after their checksums agree, else downloaded by torchvision.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from study.errors import DataMissing
from study.training.data.datasets import DataSet
from study.training.data.named.download import open_torchvision_sets

if TYPE_CHECKING:
    from study.training.runtime.torchvision import torchvision

_SHAPE = (3, 32, 32)
_PIXEL_BYTES = 3 * 32 * 32


@dataclass(frozen=True)
class _Layouts:
    """The two layouts of one of the sets."""

    name: str
    classes: int
    binary_folder: str
    train_files: tuple[str, ...]
    test_file: str
    label_bytes: int
    """Bytes of labels at the start of a binary record; the last of them is the label."""
    torchvision_class: str
    torchvision_folder: str


_CIFAR10 = _Layouts(
    name="cifar10",
    classes=10,
    binary_folder="cifar-10-batches-bin",
    train_files=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test_file="test_batch.bin",
    label_bytes=1,
    torchvision_class="CIFAR10",
    torchvision_folder="cifar-10-batches-py",
)
_CIFAR100 = _Layouts(
    name="cifar100",
    classes=100,
    binary_folder="cifar-100-binary",
    train_files=("train.bin",),
    test_file="test.bin",
    label_bytes=2,
    torchvision_class="CIFAR100",
    torchvision_folder="cifar-100-python",
)


def read_cifar10(folder: Path) -> DataSet:
    """Return 50,000 training and 10,000 test images of (3, 32, 32), in 10 classes."""
    return _read(_CIFAR10, folder)


def read_cifar100(folder: Path) -> DataSet:
    """Return 50,000 training and 10,000 test images of (3, 32, 32), with their 100 fine classes."""
    return _read(_CIFAR100, folder)


def _read(layouts: _Layouts, folder: Path) -> DataSet:
    if (folder / layouts.binary_folder / layouts.test_file).is_file():
        return _read_binary(layouts, folder / layouts.binary_folder)
    return _read_torchvision(layouts, folder)


def _read_binary(layouts: _Layouts, folder: Path) -> DataSet:
    parts = [_read_records(layouts, folder / name) for name in layouts.train_files]
    test_images, test_labels = _read_records(layouts, folder / layouts.test_file)
    return DataSet(
        train_images=torch.cat([images for images, _ in parts]),
        train_labels=torch.cat([labels for _, labels in parts]),
        test_images=test_images,
        test_labels=test_labels,
        classes=layouts.classes,
    )


def _read_records(layouts: _Layouts, path: Path) -> tuple[Tensor, Tensor]:
    """Read images (N, 3, 32, 32) and labels (N,) from a file of records.

    A record is 1 label byte (CIFAR-100: the coarse one, then the fine one), then 32 × 32 red, as
    many green and as many blue bytes.
    """
    size = layouts.label_bytes + _PIXEL_BYTES
    content = np.fromfile(path, np.uint8) if path.is_file() else np.empty(0, np.uint8)
    if not content.size or content.size % size:
        raise DataMissing(
            f"{layouts.name}: {path} must hold whole records of {size} bytes; found {content.size}"
            " bytes; unpack it again from the official binary archive"
        )
    records = torch.from_numpy(content).view(-1, size)  # (N, label bytes + 3072)
    labels = records[:, layouts.label_bytes - 1].long()
    highest = int(labels.max())
    if highest >= layouts.classes:
        raise DataMissing(
            f"{layouts.name}: {path} must hold labels below {layouts.classes}; found {highest}"
        )
    images = records[:, layouts.label_bytes :].reshape(-1, *_SHAPE).contiguous()
    return images, labels


def _read_torchvision(layouts: _Layouts, folder: Path) -> DataSet:
    from study.training.runtime.torchvision import torchvision

    train, test = open_torchvision_sets(
        getattr(torchvision.datasets, layouts.torchvision_class),
        layouts.name,
        folder,
        subfolder=layouts.torchvision_folder,
        layouts=(
            f"{layouts.torchvision_folder}/ (torchvision's layout) or"
            f" {layouts.binary_folder}/ (the official binary layout)"
        ),
    )
    return DataSet(
        train_images=_channels_first(train),
        train_labels=torch.tensor(train.targets),
        test_images=_channels_first(test),
        test_labels=torch.tensor(test.targets),
        classes=layouts.classes,
    )


def _channels_first(part: torchvision.datasets.VisionDataset) -> Tensor:
    return torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous()  # (N, H, W, C) -> NCHW
