"""A second look at a validation that lies far below training: are batch norms' statistics to blame?

Evaluation normalizes by running statistics, which are those of the weights of some steps ago. Where
the weights move fast, as in the first epochs of a high learning rate, the statistics lag behind
them, and validation judges a network that never was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

from study.training.data.batches import Batch
from study.training.epoch_row import EpochRow
from study.training.optim.precision import MixedPrecision

FIGURE = "fresh_statistics_accuracy"
"""The row's figure: validation accuracy by statistics that were taken anew."""
_FAR_BELOW = 0.15
_ENOUGH_IMAGES = 2_000
"""So many training images make fresh statistics."""

_Norm = nn.BatchNorm1d | nn.BatchNorm2d
Value = TypeVar("Value")


def deserves_second_look(row: EpochRow, history: Sequence[EpochRow], model: nn.Module) -> bool:
    """Return whether validation lies far below training's running mean, in a network with batch
    norms, for the first time of a training whose earlier rows are ``history``.
    """
    gap = float(row["train_accuracy"]) - float(row["val_accuracy"])
    has_looked = any(FIGURE in earlier for earlier in history)
    return gap > _FAR_BELOW and not has_looked and any(_norms_of(model))


def with_fresh_statistics(
    model: nn.Module,
    precision: MixedPrecision,
    heartbeat: Callable[[], None],
    batches: Iterable[Batch],
    look: Callable[[], Value],
) -> Value:
    """Return what ``look`` finds while the batch norms of ``model`` have statistics of the weights
    that it has now, taken from the first ``batches``.

    Nothing of it remains: the model, its mode but for that, and what is drawn later are as before.
    ``heartbeat`` is called after each batch.
    """
    norms = list(_norms_of(model))
    with torch.random.fork_rng(devices=[]), torch.no_grad(), _kept(norms):
        model.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean over all batches
            norm.train()
        images_seen = 0
        for images, _ in batches:  # (B, C, H, W)
            if len(images) > 1:  # of one image there is no variance
                with precision.autocast():
                    model(images)
            images_seen += len(images)
            heartbeat()
            if images_seen >= _ENOUGH_IMAGES:
                break
        model.eval()
        return look()


def _norms_of(model: nn.Module) -> Iterator[_Norm]:
    for layer in model.modules():
        if isinstance(layer, _Norm) and layer.running_mean is not None:
            yield layer


@contextmanager
def _kept(norms: Sequence[_Norm]) -> Iterator[None]:
    """Give batch norms their statistics back at the end of the block."""
    kept = [(norm, norm.momentum, [each.clone() for each in norm.buffers()]) for norm in norms]
    try:
        yield
    finally:
        for norm, momentum, buffers in kept:
            norm.momentum = momentum
            for buffer, former in zip(norm.buffers(), buffers, strict=True):
                buffer.copy_(former)
