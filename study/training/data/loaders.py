"""Batches on the device: from the host through a DataLoader, or from the whole set resident on the
device.

Which image comes when, and how it is changed, depends on the recipe's seed and the epoch alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from study.training.data.augment import (
    Normalization,
    as_unit,
    augmented,
    moves_pixels_alone,
    normalization,
    resized,
)
from study.training.data.datasets import DataSet
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import Data, HostLoader, NoAugment
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.randomness import make_generator

Batch = tuple[Tensor, Tensor]


class Batches(Protocol):
    """Batches of an epoch: images of (N, C, H, W), labels of (N,)."""

    def __len__(self) -> int: ...

    def epoch(self, epoch: int) -> Iterator[Batch]: ...


@dataclass(frozen=True)
class Part:
    """The images of one purpose, and what is done to them on the way to the network."""

    images: Tensor
    labels: Tensor
    normalization: Normalization
    spec: Data
    seed: int
    layout: torch.memory_format
    trains: bool

    def to(self, device: torch.device) -> Part:
        images, labels, normalization = (
            self.images.to(device),
            self.labels.to(device),
            self.normalization.to(device),
        )
        return replace(self, images=images, labels=labels, normalization=normalization)

    @property
    def batch_size(self) -> int:
        return self.spec.batch_size if self.trains else self.spec.eval_batch_size

    def __len__(self) -> int:
        """Batches of an epoch."""
        whole, rest = divmod(len(self.labels), self.batch_size)
        return whole + (rest > 0 and not (self.trains and self.spec.drop_last))

    def order(self, epoch: int) -> Tensor:
        if not self.trains:
            return torch.arange(len(self.labels))
        return torch.randperm(len(self.labels), generator=make_generator(self.seed, "order", epoch))

    def chosen(self, epoch: int) -> list[Tensor]:
        """The numbers of the images of each batch, where the labels are."""
        order, size = self.order(epoch).to(self.labels.device), self.batch_size
        return [order[size * number : size * (number + 1)] for number in range(len(self))]

    def prepared(self, images: Tensor, epoch: int, place: int) -> Tensor:
        """As the network sees them; ``place`` is the batch's or the image's number, for its own
        chance.
        """
        if self.spec.image_size is not None or not moves_pixels_alone(self.spec.augment):
            images = resized(as_unit(images), self.spec.image_size)
        if self.trains and not isinstance(self.spec.augment, NoAugment):
            images = augmented(
                images, self.spec.augment, make_generator(self.seed, "augment", epoch, place)
            )
        return self.normalization(as_unit(images))


class _Resident:
    """The whole part on the device, prepared batch by batch there."""

    def __init__(self, part: Part, device: torch.device) -> None:
        self.part = part.to(device)

    def __len__(self) -> int:
        return len(self.part)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        part = self.part
        for number, chosen in enumerate(part.chosen(epoch)):
            images = part.prepared(part.images[chosen], epoch, number)
            yield images.contiguous(memory_format=part.layout), part.labels[chosen]


class _Numbered(Dataset[Batch]):
    """Each image of a part by (epoch, number), so that a worker that lives on knows which epoch it
    works for.
    """

    def __init__(self, part: Part) -> None:
        self.part = part

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, number = key
        images = self.part.images[number : number + 1]
        return self.part.prepared(images, epoch, number)[0], self.part.labels[number]


class _Order(Sampler[list[tuple[int, int]]]):
    """The keys of each batch of the epoch that is set."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.part)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        for numbers in self.part.chosen(self.epoch):
            yield [(self.epoch, number) for number in numbers.tolist()]


class _Fetched:
    """The part in the host's memory, prepared image by image and copied batch by batch."""

    def __init__(self, part: Part, device: torch.device, spec: HostLoader) -> None:
        self.part, self.device, self.spec = part, device, spec
        self.order = _Order(part)
        workers = min(spec.workers, _processors())
        self.loader = DataLoader(
            _Numbered(part),
            batch_sampler=self.order,
            num_workers=workers,
            # pinned memory is for copies to a GPU
            pin_memory=spec.pin_memory and device.type == "cuda",
            persistent_workers=workers > 0,
            # workers' own seeds are not used, but would be drawn from the global generator
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self.part)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        self.order.epoch = epoch
        for images, labels in self.loader:
            ahead = self.spec.non_blocking
            images = images.contiguous(memory_format=self.part.layout).to(
                self.device, non_blocking=ahead
            )
            yield images, labels.to(self.device, non_blocking=ahead)


def _processors() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Sets:
    """The three purposes of a data set's images; ``fingerprint`` names images, counts and split."""

    train: Batches
    validation: Batches
    test: Batches
    layout: torch.memory_format
    fingerprint: str


def make_sets(recipe: Recipe, data: DataSet, device: torch.device) -> Sets:
    """Split by the recipe's seed. With ``validation: test`` all images train and the test set
    validates.
    """
    spec = recipe.data
    train, validation = split(recipe, len(data.train_labels))
    test = torch.arange(len(data.test_labels))[: spec.test_images]
    training_images = data.train_images[train]
    layout = (
        torch.channels_last
        if recipe.execution.memory_format == "channels_last"
        else torch.contiguous_format
    )

    def batches(images: Tensor, labels: Tensor, trains: bool = False) -> Batches:
        normal = normalization(spec.normalize, images, training_images)
        part = Part(images, labels, normal, spec, recipe.seed, layout, trains)
        return (
            _Fetched(part, device, spec.loader)
            if isinstance(spec.loader, HostLoader)
            else _Resident(part, device)
        )

    training = batches(training_images, data.train_labels[train], trains=True)
    if not len(training):
        raise TrainingFailure(
            "invalid", f"data.batch_size: no batch is full of {len(train)} training images", {}
        )
    held_out = batches(data.test_images[test], data.test_labels[test])
    held_in = (
        held_out
        if validation is None
        else batches(data.train_images[validation], data.train_labels[validation])
    )
    counts = (
        f"train {len(train)}, validation {0 if validation is None else len(validation)}, test"
        f" {len(test)}"
    )
    named = f"{data.fingerprint[:32]}, {counts}, seed {recipe.seed}"
    return Sets(training, held_in, held_out, layout, named)


def split(recipe: Recipe, images: int) -> tuple[Tensor, Tensor | None]:
    """Numbers of the images that train and that validate; None where the test set does that."""
    spec = recipe.data
    chosen = torch.randperm(images, generator=make_generator(recipe.seed, "split"))[
        : spec.train_images
    ]
    if spec.validation == "test":
        return chosen, None
    count = max(1, round(len(chosen) * spec.validation.fraction))
    if count >= len(chosen):
        raise TrainingFailure(
            "invalid", f"data: {len(chosen)} images are too few to train and to validate", {}
        )
    return chosen[count:], chosen[:count]
