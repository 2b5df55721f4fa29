"""The gradient of one update, in as many micro-batches as the recipe says."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from study.training.optim.loss import Loss, Losses
from study.training.optim.precision import Arithmetic


def gradients(
    forward: Callable[[Tensor], Tensor | tuple[Tensor, ...]],
    loss: Loss,
    arithmetic: Arithmetic,
    images: Tensor,
    labels: Tensor,
    micro_batch_size: int,
) -> Losses:
    """Add up the gradient of the batch's mean loss; return its losses and logits, which don't
    depend on the split.

    Each micro-batch counts by the images it holds, so that a last, smaller one is weighted right.
    """
    parts: list[Losses] = []
    shares: list[float] = []
    for begin in range(0, len(labels), micro_batch_size):
        some_images, some_labels = (
            images[begin : begin + micro_batch_size],
            labels[begin : begin + micro_batch_size],
        )
        share = len(some_labels) / len(labels)
        with arithmetic.autocast():
            part = loss(forward(some_images), some_labels)
        arithmetic.backward(part.total * share)
        parts.append(part.detached())
        shares.append(share)
    return Losses(
        total=_sum_of([part.total * share for part, share in zip(parts, shares, strict=True)]),
        main=_sum_of([part.main * share for part, share in zip(parts, shares, strict=True)]),
        logits=torch.cat([part.logits for part in parts]),
    )


def _sum_of(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.stack(tensors).sum()
