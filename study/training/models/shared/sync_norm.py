"""Batch norm over the images of all workers, by our own sum over them, on whatever device.

Means and variances are put together as in Chan, Golub and LeVeque's algorithm (1979), and the
gradient is that of batch norm (arXiv:1502.03167) with its two means taken over all workers.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from study.training.runtime.team.team import Team


class SyncNorm(nn.Module):
    """Stands in the place of a batch norm: the same weights and statistics, by the same names."""

    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, norm: nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d, team: Team) -> None:
        super().__init__()
        self.weight, self.bias = norm.weight, norm.bias
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, getattr(norm, name))
        self.eps = norm.eps
        self.momentum = norm.momentum
        self._team = team
        self.train(norm.training)

    def forward(self, images: Tensor) -> Tensor:
        """Normalize (N, C, …) by channel."""
        if not self.training and self.running_mean is not None and self.running_var is not None:
            return functional.batch_norm(
                images, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        normalized, mean, variance, count = _Normalize.apply(  # type: ignore[no-untyped-call]
            images, self.weight, self.bias, self.eps, self._team
        )
        if self.training:
            self._remember(mean, variance, count)
        return normalized  # type: ignore[no-any-return]

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        """Move the running statistics by a batch's."""
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        share: Tensor | float = 1 / self.num_batches_tracked.double()
        if self.momentum is not None:
            share = self.momentum
        unbiased = variance * (count / (count - 1).clamp_min(1))
        for running, newest in ((self.running_mean, mean), (self.running_var, unbiased)):
            running.copy_(running * (1 - share) + newest.to(running.dtype) * share)


class _Normalize(torch.autograd.Function):
    """Batch norm in training, with the statistics of all workers' images."""

    @staticmethod
    def forward(
        context: Any,
        images: Tensor,
        weight: Tensor | None,
        bias: Tensor | None,
        eps: float,
        team: Team,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        by_channel = _by_channel(images)  # (C, n)
        mean, variance, count = _statistics(by_channel, team)
        inverse = (variance + eps).rsqrt()  # (C,)
        centered = images.to(mean.dtype) - _beside(mean, images)
        normalized = centered * _beside(inverse, images)
        output = normalized
        if weight is not None:
            output = output * _beside(weight, images)
        if bias is not None:
            output = output + _beside(bias, images)
        context.save_for_backward(normalized, inverse, weight, count)
        context.team = team
        context.mark_non_differentiable(mean, variance, count)
        return output.to(images.dtype), mean, variance, count

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        normalized, inverse, weight, count = context.saved_tensors
        gradient = gradients[0].to(normalized.dtype)
        axes = [axis for axis in range(gradient.ndim) if axis != 1]
        by_bias = gradient.sum(axes)  # (C,)
        by_weight = (gradient * normalized).sum(axes)  # (C,)
        means = context.team.add_up(torch.stack([by_bias, by_weight])) / count  # (2, C)
        of_images = gradient - _beside(means[0], gradient)
        of_images = of_images - normalized * _beside(means[1], gradient)
        scale = inverse if weight is None else inverse * weight
        of_images = of_images * _beside(scale, gradient)
        has_weight = weight is not None and context.needs_input_grad[1]
        return (
            of_images.to(gradients[0].dtype),
            by_weight.to(weight.dtype) if has_weight else None,
            by_bias if context.needs_input_grad[2] else None,
            None,
            None,
        )


def _by_channel(images: Tensor) -> Tensor:
    """Return (N, C, …) as (C, n), in single precision at least."""
    wide = torch.promote_types(images.dtype, torch.float32)
    return images.to(wide).transpose(0, 1).flatten(1)


def _statistics(by_channel: Tensor, team: Team) -> tuple[Tensor, Tensor, Tensor]:
    """Return mean and variance of each channel over all workers, (C,) each, and the count."""
    channels, count = by_channel.shape
    mine = by_channel.new_zeros(2 * channels + 1)
    if count:
        variance, mean = torch.var_mean(by_channel, 1, correction=0)
        mine = torch.cat([mean, variance * count, mine.new_tensor([count])])
    of_all = mine.new_zeros(team.place.workers, len(mine))
    of_all[team.place.rank] = mine
    of_all = team.add_up(of_all)
    means, squares = of_all[:, :channels], of_all[:, channels:-1]  # (workers, C)
    counts = of_all[:, -1:]  # (workers, 1)
    total = counts.sum()
    mean = (means * counts).sum(0) / total
    between = (counts * (means - mean).square()).sum(0)
    return mean, (squares.sum(0) + between) / total, total


def _beside(by_channel: Tensor, form: Tensor) -> Tensor:
    """Return (C,) so that it goes with (N, C, …)."""
    return by_channel.view(1, -1, *[1] * (form.ndim - 2))


def synchronize_norms(model: nn.Module, team: Team) -> nn.Module:
    """Let the batch norms of a model see the images of all workers; return the model."""
    if isinstance(model, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
        return SyncNorm(model, team)
    for name, child in model.named_children():
        synchronized = synchronize_norms(child, team)
        if synchronized is not child:
            setattr(model, name, synchronized)
    return model
