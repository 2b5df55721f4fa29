"""Batches on the device: from the host through a DataLoader, or from the whole set resident on the
device.

Which image comes when, and how it is augmented, depends on the recipe's seed and the epoch alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from study.training.data.augment import Draws, augment, change, draw, keeps_bytes
from study.training.data.datasets import DataSet
from study.training.data.normalize import (
    Normalization,
    channel_statistics,
    make_normalization,
    resize,
    to_unit_range,
)
from study.training.data.statistics import node_statistics
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import Data, HostLoader, NoAugment
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.randomness import make_generator

Batch = tuple[Tensor, Tensor]
"""Images of (B, C, H, W), float32 on the device, and their labels of (B,), int64."""


class EpochLoader(Protocol):
    """Gives the batches of any epoch; its length is the number of batches in each."""

    def __len__(self) -> int: ...

    def epoch(self, epoch: int) -> Iterator[Batch]: ...


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
        subset = _Subset(
            images, labels, normalization, spec, recipe.seed, memory_format, is_training
        )
        if isinstance(spec.loader, HostLoader):
            return _HostLoader(subset, device, spec.loader)
        return _DeviceLoader(subset, device)

    train = make_loader(train_images, data.train_labels[train_indices], is_training=True)
    if not len(train):
        raise TrainingFailure(
            "invalid",
            f"data.batch_size: no batch is full of {len(train_indices)} training images",
            {},
        )
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


@dataclass(frozen=True)
class _Subset:
    """The images of one loader, with all that is done to them on the way to the network."""

    images: Tensor  # (N, C, H, W)
    labels: Tensor  # (N,)
    normalization: Normalization
    spec: Data
    seed: int
    memory_format: torch.memory_format
    is_training: bool

    def to(self, device: torch.device) -> _Subset:
        return replace(
            self,
            images=self.images.to(device),
            labels=self.labels.to(device),
            normalization=self.normalization.to(device),
        )

    @property
    def batch_size(self) -> int:
        return self.spec.batch_size if self.is_training else self.spec.eval_batch_size

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        full, remainder = divmod(len(self.labels), self.batch_size)
        drops_last = self.is_training and self.spec.drop_last
        return full + (remainder > 0 and not drops_last)

    def batch_indices(self, epoch: int) -> list[Tensor]:
        """Return the indices of each batch's images, on the device that the labels are on."""
        count, size = len(self.labels), self.batch_size
        if self.is_training:
            order = torch.randperm(count, generator=make_generator(self.seed, "order", epoch))
        else:
            order = torch.arange(count)
        order = order.to(self.labels.device)
        return [order[size * number : size * (number + 1)] for number in range(len(self))]

    @property
    def is_augmented(self) -> bool:
        return self.is_training and not isinstance(self.spec.augment, NoAugment)

    def draw_epoch(self, epoch: int) -> list[Draws]:
        """Draw all that each batch of an epoch is augmented by, in the batch's name.

        It goes to the device of the labels in one go, so that no batch has to wait for its own.
        """
        if not self.is_augmented:
            return [()] * len(self)
        sides = 2 * (self.spec.image_size,) if self.spec.image_size else self.images.shape[2:]
        size, drawn = self.batch_size, list[Draws]()
        for number in range(len(self)):
            count = min(size, len(self.labels) - size * number)
            generator = make_generator(self.seed, "augment", epoch, number)
            drawn.append(draw(self.spec.augment, count, (sides[0], sides[1]), generator))
        whole = [torch.cat(parts).to(self.labels.device) for parts in zip(*drawn, strict=True)]
        return list(zip(*(torch.split(each, size) for each in whole), strict=True))

    def prepare(self, images: Tensor, draws: Draws = ()) -> Tensor:
        """Return images as the network sees them, augmented by what was drawn for them."""
        images = self._resized(images)
        if draws:
            images = change(images, self.spec.augment, draws)
        return self.normalization(to_unit_range(images))

    def prepare_one(self, image: Tensor, epoch: int, index: int) -> Tensor:
        """Return a single image, (1, C, H, W), as the network sees it, augmented in its name."""
        image = self._resized(image)
        if self.is_augmented:
            generator = make_generator(self.seed, "augment", epoch, index)
            image = augment(image, self.spec.augment, generator)
        return self.normalization(to_unit_range(image))

    def _resized(self, images: Tensor) -> Tensor:
        if self.spec.image_size is None and keeps_bytes(self.spec.augment):
            return images
        return resize(to_unit_range(images), self.spec.image_size)


class _DeviceLoader:
    """Keeps all images on the device and prepares them there, batch by batch."""

    def __init__(self, subset: _Subset, device: torch.device) -> None:
        self._subset = subset.to(device)

    def __len__(self) -> int:
        return len(self._subset)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        subset = self._subset
        drawn = subset.draw_epoch(epoch)
        for indices, draws in zip(subset.batch_indices(epoch), drawn, strict=True):
            images = subset.prepare(subset.images[indices], draws)  # (B, C, H, W)
            yield images.contiguous(memory_format=subset.memory_format), subset.labels[indices]


class _HostLoader:
    """Keeps images in the host's memory, prepares them one by one and copies whole batches."""

    def __init__(self, subset: _Subset, device: torch.device, spec: HostLoader) -> None:
        self._memory_format = subset.memory_format
        self._device = device
        is_pinned = spec.pin_memory and device.type == "cuda"  # it is for copies to a GPU
        self._non_blocking = spec.non_blocking or is_pinned
        self._sampler = _BatchSampler(subset)
        workers = min(spec.workers, _available_processors())
        self._loader = DataLoader(
            _PreparedImages(subset),
            batch_sampler=self._sampler,
            num_workers=workers,
            pin_memory=is_pinned,
            persistent_workers=workers > 0,
            # workers' own seeds are not used, but would be drawn from the global generator
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self._sampler)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        self._sampler.epoch = epoch
        for images, labels in self._loader:
            # laid out there: a copy in another layout isn't pinned any more
            there = images.to(self._device, non_blocking=self._non_blocking)
            yield (
                there.contiguous(memory_format=self._memory_format),
                labels.to(self._device, non_blocking=self._non_blocking),
            )


class _PreparedImages(Dataset[Batch]):
    """Prepares single images by the key (epoch, index).

    The epoch is in the key because worker processes live on from epoch to epoch.
    """

    def __init__(self, subset: _Subset) -> None:
        self._subset = subset

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, index = key
        images = self._subset.images[index : index + 1]  # (1, C, H, W)
        return self._subset.prepare_one(images, epoch, index)[0], self._subset.labels[index]


class _BatchSampler(Sampler[list[tuple[int, int]]]):
    """Gives the keys of each batch of the epoch that is set."""

    def __init__(self, subset: _Subset) -> None:
        self._subset = subset
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._subset)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for indices in self._subset.batch_indices(self.epoch):
            yield [(self.epoch, index) for index in indices.tolist()]


def _available_processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
