"""The image sets by name, as tensors, with a fingerprint; and the one place that says how to
provide missing ones.

CIFAR is read from torchvision's layout (its pickles only after their checksums agree) or from the
official binary layout (https://www.cs.toronto.edu/~kriz/cifar.html), else downloaded by
torchvision; MNIST from torchvision's layout; digits comes with scikit-learn.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from study.errors import DataMissing
from study.files.object_store import ObjectPath, place
from study.training.data.folders import LAYOUTS
from study.training.data.node_cache import fetched, mapped
from study.training.recipe.sections import Data
from study.training.runtime.failures import TrainingFailure

if TYPE_CHECKING:
    from study.training.runtime.torchvision import torchvision

_DATA_DIR = "STUDY_DATA_DIR"
_DIGITS_TEST = 360
"""scikit-learn's digits have no test set: the last 360 of 1,797, by other writers than the first.
"""


@dataclass(frozen=True)
class DataSet:
    """Images of (N, C, H, W), uint8 or float in [0, 1]; labels of (N,), int64, below
    ``classes``.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: int
    fingerprint: str = field(default="")
    """SHA-256 over all of the above; ``load`` fills it in."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        channels, height, width = self.train_images.shape[1:]
        return channels, height, width


def load(spec: Data, data_dir: str | Path | None = None) -> DataSet:
    """The set that ``spec`` names, kept in this process. ``DataMissing`` where it can't be had.

    ``data_dir`` is a folder, or one on an object store that each node fetches what it needs from;
    by default what the environment's STUDY_DATA_DIR names, else ``./data``.
    """
    folder = place(str(data_dir or os.environ.get(_DATA_DIR) or "data"))
    if isinstance(folder, ObjectPath):
        folder = fetched(folder, LAYOUTS.get(spec.name, ()))
    return _load_factory(spec, folder) if ":" in spec.name else load_named(spec.name, folder)


@lru_cache(maxsize=4)
def load_named(name: str, folder: Path) -> DataSet:
    sources = _sources_of(name, folder)
    if not sources:
        return fingerprinted(_LOADERS[name](folder))
    return DataSet(**mapped(name, sources, lambda: vars(fingerprinted(_LOADERS[name](folder)))))


def _sources_of(name: str, folder: Path) -> list[Path]:
    """The files that a set is read from, as far as they are there; reading others is worth keeping
    for nobody.
    """
    if name == "digits":  # found without the import, which takes longer than the reading
        package = importlib.util.find_spec("sklearn")
        return [Path(package.origin)] if package and package.origin else []
    return [
        path
        for part in LAYOUTS.get(name, ())
        for path in (folder / part).rglob("*")
        if path.is_file()
    ]


def _load_factory(spec: Data, folder: Path) -> DataSet:
    """A user's own set: ``package.module:factory`` is called with the recipe's data section and the
    data folder.
    """
    module, _, name = spec.name.partition(":")
    try:
        factory = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise TrainingFailure(
            "invalid", f"data.name: must be importable; found {spec.name}: {error}", {}
        ) from error
    data = factory(spec, folder)
    if not isinstance(data, DataSet):
        raise TrainingFailure(
            "invalid", f"data.name: {spec.name} must return a DataSet; found {type(data)}", {}
        )
    return fingerprinted(data)


def fingerprinted(data: DataSet) -> DataSet:
    digest = hashlib.sha256(str(data.classes).encode())
    for tensor in (data.train_images, data.train_labels, data.test_images, data.test_labels):
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.contiguous().numpy().data)
    return DataSet(
        data.train_images,
        data.train_labels,
        data.test_images,
        data.test_labels,
        data.classes,
        digest.hexdigest(),
    )


def _digits(folder: Path) -> DataSet:
    """1,437 training and 360 test images of 8 × 8 pixels with 17 shades of gray."""
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = torch.from_numpy(np.rint(pixels * (255 / 16)).astype(np.uint8)).view(-1, 1, 8, 8)
    answers = torch.from_numpy(labels.astype(np.int64))
    return DataSet(
        images[:-_DIGITS_TEST],
        answers[:-_DIGITS_TEST],
        images[-_DIGITS_TEST:],
        answers[-_DIGITS_TEST:],
        10,
    )


def synthetic(folder: Path) -> DataSet:
    """5,000 training and 1,000 test images of 32 × 32: a soft pattern for each of 10 classes, under
    noise.
    """
    chance = torch.Generator().manual_seed(0)
    coarse = torch.rand(10, 3, 4, 4, generator=chance)
    patterns = torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")
    labels = torch.arange(6000) % 10
    noise = torch.randn(6000, 3, 32, 32, generator=chance)
    images = (255 * (patterns[labels] * 0.5 + 0.25 + 0.2 * noise)).clamp(0, 255).to(torch.uint8)
    return DataSet(images[:5000], labels[:5000], images[5000:], labels[5000:], 10)


@dataclass(frozen=True)
class _Cifar:
    """One of the two CIFAR sets: its layouts, and where the label stands in a binary record."""

    name: str
    classes: int
    binary: str
    train_files: tuple[str, ...]
    test_file: str
    label_bytes: int
    pickled: str

    def __call__(self, folder: Path) -> DataSet:
        if (folder / self.binary / self.test_file).is_file():
            return self.read_binary(folder / self.binary)
        from study.training.runtime.torchvision import torchvision

        source = {
            "cifar10": torchvision.datasets.CIFAR10,
            "cifar100": torchvision.datasets.CIFAR100,
        }[self.name]
        layouts = (
            f"{self.pickled}/ (torchvision's layout) or {self.binary}/ (the official binary layout)"
        )
        train, test = _from_torchvision(source, self.name, folder, self.pickled, layouts)
        return DataSet(*_pixels_first(train), *_pixels_first(test), self.classes)

    def read_binary(self, folder: Path) -> DataSet:
        parts = [self.records(folder / name) for name in self.train_files]
        images, labels = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        return DataSet(images, labels, *self.records(folder / self.test_file), self.classes)

    def records(self, path: Path) -> tuple[Tensor, Tensor]:
        """A record is 1 label byte (CIFAR-100: coarse, then fine), then 32 × 32 red, green and blue
        bytes.
        """
        size = self.label_bytes + 3 * 32 * 32
        content = np.fromfile(path, np.uint8) if path.is_file() else np.empty(0, np.uint8)
        if not content.size or content.size % size:
            raise DataMissing(
                f"{self.name}: {path} must hold whole records of {size} bytes; found {content.size}"
                " bytes; unpack it again from the official binary archive"
            )
        records = torch.from_numpy(content).view(-1, size)
        labels = records[:, self.label_bytes - 1].long()
        if int(labels.max()) >= self.classes:
            raise DataMissing(
                f"{self.name}: {path} must hold labels below {self.classes}; found"
                f" {int(labels.max())}"
            )
        return records[:, self.label_bytes :].reshape(-1, 3, 32, 32).contiguous(), labels


def _mnist(folder: Path) -> DataSet:
    """60,000 training and 10,000 test images of 28 × 28."""
    from study.training.runtime.torchvision import torchvision

    layouts = "MNIST/raw/*-ubyte (torchvision's layout)"
    train, test = _from_torchvision(torchvision.datasets.MNIST, "mnist", folder, "MNIST", layouts)
    sets = [(part.data.unsqueeze(1).contiguous(), part.targets.long()) for part in (train, test)]
    return DataSet(*sets[0], *sets[1], 10)


def _from_torchvision(
    source: Callable[..., torchvision.datasets.VisionDataset],
    name: str,
    folder: Path,
    subfolder: str,
    layouts: str,
) -> list[torchvision.datasets.VisionDataset]:
    """Training and test set from torchvision's layout under ``folder``, which is downloaded where
    it isn't there.
    """
    if not (folder / subfolder).is_dir():
        _download(source, name, folder, subfolder, layouts)
    try:
        return [source(str(folder), train=train, download=False) for train in (True, False)]
    except (RuntimeError, OSError, ValueError) as error:
        raise DataMissing(
            f"{name}: the files in {folder / subfolder} are not whole, or not those that"
            f" torchvision knows: {' '.join(str(error).split())}; delete them, or put {layouts}"
            f" into {folder}"
        ) from error


def _download(
    source: Callable[..., object], name: str, folder: Path, subfolder: str, layouts: str
) -> None:
    """Into a folder of its own, then renamed: trials that download at once don't disturb each
    other.
    """
    partial: Path | None = None
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".download-", dir=folder))
        source(str(partial), train=True, download=True)
        if not (folder / subfolder).is_dir():
            os.rename(partial / subfolder, folder / subfolder)
    except (
        Exception
    ) as error:  # whatever the network, the proxy, the archive or the disk came up with
        if (folder / subfolder).is_dir():
            return  # another trial was first
        raise DataMissing(
            f"{name}: found no {layouts} in {folder}, and the download failed:"
            f" {' '.join(str(error).split())}; put them there, or name their folder in {_DATA_DIR}"
        ) from error
    finally:
        if partial:
            shutil.rmtree(partial, ignore_errors=True)
        if made:
            with suppress(OSError):  # it holds the images, ours or another trial's
                folder.rmdir()


def _pixels_first(part: torchvision.datasets.VisionDataset) -> tuple[Tensor, Tensor]:
    """torchvision's CIFAR holds (N, H, W, C) in NumPy."""
    return torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets)


_CIFAR10 = _Cifar(
    name="cifar10",
    classes=10,
    binary="cifar-10-batches-bin",
    train_files=tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    test_file="test_batch.bin",
    label_bytes=1,
    pickled="cifar-10-batches-py",
)
_CIFAR100 = _Cifar(
    name="cifar100",
    classes=100,
    binary="cifar-100-binary",
    train_files=("train.bin",),
    test_file="test.bin",
    label_bytes=2,
    pickled="cifar-100-python",
)
_LOADERS: dict[str, Callable[[Path], DataSet]] = {
    "cifar10": _CIFAR10,
    "cifar100": _CIFAR100,
    "mnist": _mnist,
    "digits": _digits,
    "synthetic": synthetic,
}
