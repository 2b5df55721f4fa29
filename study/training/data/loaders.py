"""Batches on the device: from the host through a DataLoader, or from the whole set resident on the
device.

Which image comes when, and how it is augmented, depends on the recipe's seed and the epoch alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
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
from study.training.recipe.data_catalog import DATA_SETS
from study.training.recipe.recipe import Recipe
from study.training.recipe.sections import Data, HostLoader
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.randomness import make_generator
from study.training.runtime.team.place import ALONE, Place

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
    train_images: int
    batch_size: int
    whole: Callable[[], EpochLoader]
    """Makes a loader of the training images of all workers."""

    def images_of(self, number: int) -> int:
        """Return how many images the batch of this number in an epoch has, those of all workers."""
        return min(self.batch_size, self.train_images - self.batch_size * number)

    def first_batches(self) -> Iterator[Batch]:
        """Give the first epoch's batches of all workers."""
        yield from self.whole().epoch(1)

    def facts(self, data: DataSet) -> dict[str, str | int]:
        """Return what a training's summary says of its images beside their fingerprint."""
        facts: dict[str, str | int] = {"left_out_files": data.left_out + len(self.left_out)}
        if data.validation_images is not None:
            facts["validation"] = "given"
        if data.class_names:
            names = [visible(name) for name in data.class_names[:_MOST_NAMES]]
            facts["class_names"] = json.dumps(names, ensure_ascii=False)
        return facts


def _check_parts(spec: Data, data: DataSet) -> None:
    """Raise a TrainingFailure where ``validation: test`` can't mean the test set."""
    if spec.validation != "test":
        return
    fault = ""
    if not len(data.test_labels):
        fault = "must not be test where there is no test set"
    elif data.validation_images is not None:
        fault = "must not be test where the data set has validation images of its own"
    if fault:
        raise TrainingFailure("invalid", f"data.validation: {fault}", {})


def _tested(spec: Data, count: int) -> Tensor:
    """Return which of so many test images are looked at: (N,), in their order.

    Files of one's own come class by class, so that the first ones would be of the first classes:
    those are drawn, the same ones whatever the seed.
    """
    everything = torch.arange(count)
    wanted = spec.test_images
    if wanted is None or wanted >= count:
        return everything
    if spec.name in DATA_SETS:
        return everything[:wanted]
    drawn = torch.randperm(count, generator=torch.Generator().manual_seed(0))
    return drawn[:wanted].sort().values


def make_loaders(
    recipe: Recipe, data: DataSet, device: torch.device, place: Place = ALONE
) -> Loaders:
    """Split the data set by the recipe's seed and make a loader of each part.

    Each of several workers has its share of each micro-batch, and of the images that are evaluated.

    With ``validation: test`` all training images train, and the test set validates; where the set
    has validation images of its own, all training images train as well.
    """
    spec = recipe.data
    _check_parts(spec, data)
    train_indices, validation_indices = split_of(recipe, data)
    train_images = _at(data.train_images, train_indices)
    memory_format = _memory_format_of(recipe)
    of_training = _normalization(spec.normalize, train_images, data, train_indices)
    left_out = set[str]()

    def make_loader(
        images: Images, labels: Tensor, *, is_training: bool = False, place: Place = place
    ) -> EpochLoader:
        has_own = spec.normalize == "own" and not is_training and len(labels)
        normalization = _statistics(images) if has_own else of_training
        subset = Subset(
            images,
            labels,
            normalization,
            spec,
            recipe.seed,
            memory_format,
            is_training,
            place,
            recipe.micro_batch_size,
        )
        if isinstance(spec.loader, HostLoader):
            return HostBatches(subset, device, spec.loader, left_out)
        if not isinstance(images, Tensor):  # too many to lie on the device
            by_all = HostLoader(workers=torch.get_num_threads(), pin_memory=True)
            return HostBatches(subset, device, by_all, left_out)
        return _DeviceLoader(subset, device)

    steps = of_batches(spec.augment)

    def make_train_loader(place: Place) -> EpochLoader:
        labels = data.train_labels[train_indices]
        if not steps:
            return make_loader(train_images, labels, is_training=True, place=place)
        whole = make_loader(train_images, labels, is_training=True, place=ALONE)
        mixed = MixedLoader(whole, steps, recipe.seed, data.classes, memory_format)
        return mixed if place == ALONE else _PartOf(mixed, place, recipe.micro_batch_size)

    train = make_train_loader(place)
    if not len(train):
        raise TrainingFailure(
            "invalid",
            f"data.batch_size: no batch is full of {len(train_indices)} training images",
            {},
        )
    tested = _tested(spec, len(data.test_labels))
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
    return Loaders(
        train=train,
        validation=validation,
        test=test,
        memory_format=memory_format,
        left_out=left_out,
        fingerprint=fingerprint,
        normalization=of_training,
        train_images=len(train_indices),
        batch_size=spec.batch_size,
        whole=lambda: train if place == ALONE else make_train_loader(ALONE),
    )


def _at(images: Images, indices: Tensor) -> Images:
    """Return the images at these places, (N, C, H, W)."""
    return images[indices] if isinstance(images, Tensor) else images.take(indices)


def _normalization(kind: str, images: Images, data: DataSet, indices: Tensor) -> Normalization:
    """Return the normalization of training images, which are those at ``indices``."""
    if kind not in ("dataset", "own"):
        none = torch.empty(0, data.image_shape[0], 0, 0)  # it is the same for all images
        return make_normalization(kind, none, none)
    if isinstance(images, Tensor):
        return node_statistics(images, data.fingerprint, indices)
    return images.statistics()


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


class _PartOf:
    """A worker's share of batches that are changed as whole, and so made by each worker."""

    def __init__(self, loader: EpochLoader, place: Place, micro_batch_size: int) -> None:
        self._loader = loader
        self._place = place
        self._micro_batch_size = micro_batch_size

    def __len__(self) -> int:
        return len(self._loader)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        for images, labels in self._loader.epoch(epoch):  # (B, C, H, W), (B,) or (B, classes)
            mine = self._place.positions_in_batch(len(labels), self._micro_batch_size)
            mine = mine.to(labels.device)
            yield images[mine], labels[mine]
