"""Batches from the host's memory, prepared image by image in processes of their own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from study.training.data.batches import Batch
from study.training.data.subset import Subset
from study.training.recipe.sections import HostLoader


class HostBatches:
    """Keeps images in the host's memory, prepares them one by one and copies whole batches."""

    def __init__(self, subset: Subset, device: torch.device, spec: HostLoader) -> None:
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

    def __init__(self, subset: Subset) -> None:
        self._subset = subset

    def __getitem__(self, key: tuple[int, int]) -> Batch:
        epoch, index = key
        images = self._subset.images[index : index + 1]  # (1, C, H, W)
        return self._subset.prepare_one(images, epoch, index)[0], self._subset.labels[index]


class _BatchSampler(Sampler[list[tuple[int, int]]]):
    """Gives the keys of each batch of the epoch that is set."""

    def __init__(self, subset: Subset) -> None:
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
