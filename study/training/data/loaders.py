"""Batches on the device: from the host through a DataLoader, or from the whole set resident on the
device.

Which image comes when, and how it is augmented, depends on the recipe's seed and the epoch alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from study.files.visible_text import visible
from study.training.data.augmentations.mixing import MixedLoader
from study.training.data.batches import Batch, EpochLoader
from study.training.data.datasets import DataSet, Images
from study.training.data.host_loader import HostBatches
from study.training.data.normalize import Normalization, channel_statistics, make_normalization
from study.training.data.statistics import node_statistics
from study.training.data.subset import Subset
from study.training.recipe.augmentations import of_batches
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import HostLoader
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.randomness import make_generator

_MOST_NAMES = 100
"""Class names that a training's summary holds."""


@dataclass(frozen=True)
class Loaders:
    """The loaders of one training."""

    train: EpochLoader
    validation: EpochLoader
    test: EpochLoader
    memory_format: torch.memory_format
    left_out: set[str]
    """The files that couldn't be decoded when they were read, and were left out."""
    fingerprint: str
    """Names the images, how many of them are used and how they are split."""
    normalization: Normalization
    """That of the training images."""

    def facts(self, data: DataSet) -> dict[str, str | int]:
        """Return what a training's summary says of its images beside their fingerprint."""
        facts: dict[str, str | int] = {"left_out_files": data.left_out + len(self.left_out)}
        if data.validation_images is not None:
            facts["validation"] = "given"
        if data.class_names:
            names = [visible(name) for name in data.class_names[:_MOST_NAMES]]
            facts["class_names"] = json.dumps(names, ensure_ascii=False)
        return facts


def make_loaders(recipe: Recipe, data: DataSet, device: torch.device) -> Loaders:
    """Split the data set by the recipe's seed and make a loader of each part.

    With ``validation: test`` all training images train, and the test set validates; where the set
    has validation images of its own, all training images train as well.
    """
    spec = recipe.data
    train_indices, validation_indices = split_of(recipe, data)
    train_images = _at(data.train_images, train_indices)
    memory_format = _memory_format_of(recipe)
    of_training = _normalization(spec.normalize, train_images, data, train_indices)
    left_out = set[str]()

    def make_loader(images: Images, labels: Tensor, *, is_training: bool = False) -> EpochLoader:
        has_own = spec.normalize == "own" and not is_training and len(labels)
        normalization = _statistics(images) if has_own else of_training
        subset = Subset(
            images, labels, normalization, spec, recipe.seed, memory_format, is_training
        )
        if isinstance(spec.loader, HostLoader):
            return HostBatches(subset, device, spec.loader, left_out)
        if not isinstance(images, Tensor):  # too many to lie on the device
            by_all = HostLoader(workers=torch.get_num_threads(), pin_memory=True)
            return HostBatches(subset, device, by_all, left_out)
        return _DeviceLoader(subset, device)

    train = make_loader(train_images, data.train_labels[train_indices], is_training=True)
    if not len(train):
        raise TrainingFailure(
            "invalid",
            f"data.batch_size: no batch is full of {len(train_indices)} training images",
            {},
        )
    steps = of_batches(spec.augment)
    if steps:
        train = MixedLoader(train, steps, recipe.seed, data.classes, memory_format)
    tested = torch.arange(len(data.test_labels))[: spec.test_images]
    test = make_loader(_at(data.test_images, tested), data.test_labels[tested])
    validation_count = 0
    if data.validation_images is not None and data.validation_labels is not None:
        validation = make_loader(data.validation_images, data.validation_labels)
        validation_count = len(data.validation_labels)
    elif validation_indices is None:
        validation = test
    else:
        held_out = _at(data.train_images, validation_indices)
        validation = make_loader(held_out, data.train_labels[validation_indices])
        validation_count = len(validation_indices)
    fingerprint = (
        f"{data.fingerprint[:32]}, train {len(train_indices)}, validation {validation_count},"
        f" test {len(tested)}, seed {recipe.seed}"
    )
    return Loaders(train, validation, test, memory_format, left_out, fingerprint, of_training)


def _at(images: Images, indices: Tensor) -> Images:
    """Return the images at these places, (N, C, H, W)."""
    return images[indices] if isinstance(images, Tensor) else images.take(indices)


def _normalization(kind: str, images: Images, data: DataSet, indices: Tensor) -> Normalization:
    """Return the normalization of training images, which are those at ``indices``."""
    if kind not in ("dataset", "own"):
        return make_normalization(kind, _NO_IMAGES, _NO_IMAGES)
    if isinstance(images, Tensor):
        return node_statistics(images, data.fingerprint, indices)
    return images.statistics()


_NO_IMAGES = torch.empty(0)
"""What a normalization is made from that is the same for all images."""


def _statistics(images: Images) -> Normalization:
    return channel_statistics(images) if isinstance(images, Tensor) else images.statistics()


def split_of(recipe: Recipe, data: DataSet) -> tuple[Tensor, Tensor | None]:
    """Split the indices of a set's training images into those that train and that validate.

    The second is None where the set has validation images of its own, or its test set validates.
    """
    if data.validation_images is None:
        return split_indices(recipe, len(data.train_labels))
    shuffled = _shuffled(recipe, len(data.train_labels))
    return shuffled[: recipe.data.train_images], None


def _shuffled(recipe: Recipe, images: int) -> Tensor:
    return torch.randperm(images, generator=make_generator(recipe.seed, "split"))


def split_indices(recipe: Recipe, images: int) -> tuple[Tensor, Tensor | None]:
    """Split the indices of ``images`` training images into those that train and that validate.

    The second is None where the test set validates.
    """
    spec = recipe.data
    chosen = _shuffled(recipe, images)[: spec.train_images]
    if spec.validation == "test":
        return chosen, None
    count = max(1, round(len(chosen) * spec.validation.fraction))
    if count >= len(chosen):
        raise TrainingFailure(
            "invalid", f"data: {len(chosen)} images are too few to train and to validate", {}
        )
    return chosen[count:], chosen[:count]


def _memory_format_of(recipe: Recipe) -> torch.memory_format:
    if recipe.execution.memory_format == "channels_last":
        return torch.channels_last
    return torch.contiguous_format


class _DeviceLoader:
    """Keeps all images on the device and prepares them there, batch by batch."""

    def __init__(self, subset: Subset, device: torch.device) -> None:
        self._subset = subset.to(device)

    def __len__(self) -> int:
        return len(self._subset)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        subset = self._subset
        drawn = subset.draw_epoch(epoch)
        for indices, draws in zip(subset.batch_indices(epoch), drawn, strict=True):
            images = subset.prepare(subset.images_in_memory[indices], draws)  # (B, C, H, W)
            yield images.contiguous(memory_format=subset.memory_format), subset.labels[indices]
