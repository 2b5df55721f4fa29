"""Batches from the host's memory, prepared image by image in processes of their own."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from study.training.data.batches import Batch
from study.training.data.files.decode import BrokenImage
from study.training.data.subset import Subset
from study.training.recipe.sections import HostLoader
from study.training.runtime.failures import TrainingFailure
from study.training.runtime.process_sockets import give_sockets_room

_BATCHES_AHEAD = 2
_THREADS_EACH = 4
"""In place of a loader process: they wait more than they decode."""
_Collated = tuple[Tensor | None, Tensor | None, list[str]]
"""Images, labels, and what is wrong with those that are missing."""


class HostBatches:
    """Keeps images in the host's memory, or reads them from files, prepares them one by one and
    copies whole batches.

    What can't be decoded is a failure of class ``data``, or, where the recipe says so, missing from
    its batch; its name is added to ``left_out``.
    """

    def __init__(
        self, subset: Subset, device: torch.device, spec: HostLoader, left_out: set[str]
    ) -> None:
        self._left_out = left_out
        self._skips_broken = subset.spec.skip_broken
        self._memory_format = subset.memory_format
        self._device = device
        is_pinned = spec.pin_memory and device.type == "cuda"  # it is for copies to a GPU
        self._non_blocking = spec.non_blocking or is_pinned
        self._sampler = _BatchSampler(subset)
        workers = min(spec.workers, _available_processors())
        # a store's client doesn't outlive a fork, and waiting for it is done by threads as well
        is_far = not isinstance(subset.images, Tensor) and not subset.images.is_near
        self._threads = _THREADS_EACH * workers if is_far else 0
        workers = 0 if is_far else workers
        if workers:
            give_sockets_room()
        self._loader = DataLoader(
            _PreparedImages(subset),
            batch_sampler=self._sampler,
            num_workers=workers,
            pin_memory=is_pinned,
            persistent_workers=workers > 0,
            collate_fn=_collate,
            # workers' own seeds are not used, but would be drawn from the global generator
            generator=torch.Generator(),
        )

    def __len__(self) -> int:
        return len(self._sampler)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        self._sampler.epoch = epoch
        for images, labels, broken in self._by_threads() if self._threads else self._loader:
            self._note_broken(broken)
            if images is None or labels is None:
                continue
            # laid out there: a copy in another layout isn't pinned any more
            there = images.to(self._device, non_blocking=self._non_blocking)
            yield (
                there.contiguous(memory_format=self._memory_format),
                labels.to(self._device, non_blocking=self._non_blocking),
            )

    def _by_threads(self) -> Iterator[_Collated]:
        """Give the batches, of which threads prepare some ahead."""
        images, ahead = self._loader.dataset, deque[list[Future[Batch | str]]]()
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="loader")
        try:
            for keys in self._sampler:
                ahead.append([pool.submit(images.__getitem__, key) for key in keys])
                if len(ahead) > _BATCHES_AHEAD:
                    yield _collate([item.result() for item in ahead.popleft()])
            while ahead:
                yield _collate([item.result() for item in ahead.popleft()])
        finally:
            pool.shutdown(cancel_futures=True)

    def _note_broken(self, broken: list[str]) -> None:
        if broken and not self._skips_broken:
            must = "data.path: must hold images that can be decoded"
            raise TrainingFailure("data", f"{must}; found {broken[0]}", {})
        self._left_out.update(broken)


def _collate(items: Sequence[Batch | str]) -> _Collated:
    """Return a batch of the images that could be read, and what is wrong with the others."""
    broken = [item for item in items if isinstance(item, str)]
    whole = [item for item in items if not isinstance(item, str)]
    if not whole:
        return None, None, broken
    images, labels = default_collate(whole)
    return images, labels, broken


class _PreparedImages(Dataset[Batch | str]):
    """Prepares single images by the key (epoch, index).

    The epoch is in the key because worker processes live on from epoch to epoch. Of a file that
    can't be decoded there is a text instead.
    """

    def __init__(self, subset: Subset) -> None:
        self._subset = subset

    def __getitem__(self, key: tuple[int, int]) -> Batch | str:
        epoch, index = key
        try:
            images = self._subset.image(index)  # (1, C, H, W)
        except BrokenImage as error:
            return str(error)
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
