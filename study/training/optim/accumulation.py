"""The gradient of one update, accumulated over as many micro-batches as the recipe says."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from study.training.optim.loss import LossFunction, LossValues
from study.training.optim.precision import MixedPrecision


def accumulate_gradients(
    forward: Callable[[Tensor], Tensor | tuple[Tensor, ...]],
    loss_function: LossFunction,
    precision: MixedPrecision,
    images: Tensor,
    labels: Tensor,
    micro_batch_size: int,
) -> LossValues:
    """Add up the gradient of the mean loss over a batch of images (B, C, H, W) and labels (B,).

    Each micro-batch is weighted by the images it holds, so that a last, smaller one counts right.
    Returns the batch's losses and logits, which don't depend on the split.
    """
    if len(labels) <= micro_batch_size:
        return _add_gradients(forward, loss_function, precision, images, labels).detached()
    parts: list[LossValues] = []
    weights: list[float] = []
    for begin in range(0, len(labels), micro_batch_size):
        micro_images = images[begin : begin + micro_batch_size]  # (b, C, H, W)
        micro_labels = labels[begin : begin + micro_batch_size]  # (b,)
        weight = len(micro_labels) / len(labels)
        losses = _add_gradients(
            forward, loss_function, precision, micro_images, micro_labels, weight
        )
        parts.append(losses.detached())
        weights.append(weight)
    return LossValues(
        total=_weighted_sum([losses.total for losses in parts], weights),
        main=_weighted_sum([losses.main for losses in parts], weights),
        logits=torch.cat([losses.logits for losses in parts]),  # (B, classes)
    )


def _add_gradients(
    forward: Callable[[Tensor], Tensor | tuple[Tensor, ...]],
    loss_function: LossFunction,
    precision: MixedPrecision,
    images: Tensor,
    labels: Tensor,
    weight: float = 1.0,
) -> LossValues:
    """Add the gradient of the weighted loss to the parameters; return the losses themselves."""
    with precision.autocast():
        losses = loss_function(forward(images), labels)
    precision.backward(losses.total if weight == 1.0 else losses.total * weight)
    return losses


def _weighted_sum(values: list[Tensor], weights: list[float]) -> Tensor:
    weighted = [value * weight for value, weight in zip(values, weights, strict=True)]
    return torch.stack(weighted).sum()
