"""Batches on the device: from the host through a DataLoader, or from the whole set resident on the
device.

Which image comes when, and how it is augmented, depends on the recipe's seed and the epoch alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from study.training.data.augmentations.mixing import MixedLoader
from study.training.data.batches import Batch, EpochLoader
from study.training.data.datasets import DataSet
from study.training.data.host_loader import HostBatches
from study.training.data.normalize import Normalization, channel_statistics, make_normalization
from study.training.data.statistics import node_statistics
from study.training.data.subset import Subset
from study.training.recipe.augmentations import mixings
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import HostLoader
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.randomness import make_generator


@dataclass(frozen=True)
class Loaders:
    """The loaders of one training."""

    train: EpochLoader
    validation: EpochLoader
    test: EpochLoader
    memory_format: torch.memory_format
    fingerprint: str
    """Names the images, how many of them are used and how they are split."""
    normalization: Normalization
    """That of the training images."""


def make_loaders(recipe: Recipe, data: DataSet, device: torch.device) -> Loaders:
    """Split the data set by the recipe's seed and make a loader of each part.

    With ``validation: test`` all training images train, and the test set validates.
    """
    spec = recipe.data
    train_indices, validation_indices = split_indices(recipe, len(data.train_labels))
    train_images = data.train_images[train_indices]  # (N, C, H, W)
    test_images = data.test_images[: spec.test_images]
    test_labels = data.test_labels[: spec.test_images]
    memory_format = _memory_format_of(recipe)
    if spec.normalize in ("dataset", "own"):
        of_training = node_statistics(train_images, data.fingerprint, train_indices)
    else:
        of_training = make_normalization(spec.normalize, train_images, train_images)

    def make_loader(images: Tensor, labels: Tensor, *, is_training: bool = False) -> EpochLoader:
        has_own = spec.normalize == "own" and not is_training
        normalization = channel_statistics(images) if has_own else of_training
        subset = Subset(
            images, labels, normalization, spec, recipe.seed, memory_format, is_training
        )
        if isinstance(spec.loader, HostLoader):
            return HostBatches(subset, device, spec.loader)
        return _DeviceLoader(subset, device)

    train = make_loader(train_images, data.train_labels[train_indices], is_training=True)
    if not len(train):
        raise TrainingFailure(
            "invalid",
            f"data.batch_size: no batch is full of {len(train_indices)} training images",
            {},
        )
    mixes = mixings(spec.augment)
    if mixes:
        train = MixedLoader(train, mixes, recipe.seed, data.classes, memory_format)
    test = make_loader(test_images, test_labels)
    if validation_indices is None:
        validation = test
        validation_count = 0
    else:
        validation = make_loader(
            data.train_images[validation_indices], data.train_labels[validation_indices]
        )
        validation_count = len(validation_indices)
    fingerprint = (
        f"{data.fingerprint[:32]}, train {len(train_indices)}, validation {validation_count},"
        f" test {len(test_labels)}, seed {recipe.seed}"
    )
    return Loaders(train, validation, test, memory_format, fingerprint, of_training)


def split_indices(recipe: Recipe, images: int) -> tuple[Tensor, Tensor | None]:
    """Split the indices of ``images`` training images into those that train and that validate.

    The second is None where the test set validates.
    """
    spec = recipe.data
    shuffled = torch.randperm(images, generator=make_generator(recipe.seed, "split"))
    chosen = shuffled[: spec.train_images]
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
            images = subset.prepare(subset.images[indices], draws)  # (B, C, H, W)
            yield images.contiguous(memory_format=subset.memory_format), subset.labels[indices]
