"""The gradient of one update, to which each of several workers adds that of its images.

Each micro-batch is split among the workers; every worker's mean loss is weighted by the images that
it holds, and one sum over all workers makes the gradient of the whole batch, in which rounding
alone differs from one worker's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from study.training.optim.accumulation import accumulate_gradients
from study.training.optim.loss import LossFunction, LossValues
from study.training.optim.precision import MixedPrecision
from study.training.runtime.team.draws import PlacedDraws
from study.training.runtime.team.team import Team


class Gradients(Protocol):
    """Makes the gradient of an update."""

    def accumulate(
        self, images: Tensor, labels: Tensor, count: int, micro_batch_size: int
    ) -> LossValues:
        """Leave in the parameters the gradient of the mean loss over a batch of ``count`` images.

        ``images`` and ``labels`` are this worker's of each micro-batch, one after the other.
        Returns the losses of the whole batch, and the logits of this worker's images.
        """
        ...


def make_gradients(
    team: Team,
    model: nn.Module,
    forward: Callable[[Tensor], Tensor | tuple[Tensor, ...]],
    loss_function: LossFunction,
    precision: MixedPrecision,
    draws: PlacedDraws,
) -> Gradients:
    """Return what makes the gradients of a model, which is called as ``forward``."""
    if team.place.workers == 1:
        return _OwnGradients(forward, loss_function, precision)
    return SharedGradients(team, model, loss_function, precision, draws)


@dataclass(frozen=True)
class _OwnGradients:
    """Off: one worker has all images."""

    forward: Callable[[Tensor], Tensor | tuple[Tensor, ...]]
    loss_function: LossFunction
    precision: MixedPrecision

    def accumulate(
        self, images: Tensor, labels: Tensor, count: int, micro_batch_size: int
    ) -> LossValues:
        return accumulate_gradients(
            self.forward, self.loss_function, self.precision, images, labels, micro_batch_size
        )


class SharedGradients:
    """Adds up the workers' gradients of a model."""

    def __init__(
        self,
        team: Team,
        model: nn.Module,
        loss_function: LossFunction,
        precision: MixedPrecision,
        draws: PlacedDraws,
    ) -> None:
        self._team = team
        self._model = model
        self._loss_function = loss_function
        self._precision = precision
        self._draws = draws
        self._trained = [each for each in model.parameters() if each.requires_grad]
        self._local_norms = [each for each in model.modules() if isinstance(each, _LOCAL_NORMS)]

    def accumulate(
        self, images: Tensor, labels: Tensor, count: int, micro_batch_size: int
    ) -> LossValues:
        shares = self._team.place.shares_of_batch(count, micro_batch_size)
        losses = torch.zeros(2, device=labels.device)
        logits: list[Tensor] = []
        begin = 0
        for first, share in zip(range(0, count, micro_batch_size), shares, strict=True):
            self._draws.enter(first, min(micro_batch_size, count - first), share)
            part = slice(begin, begin + len(share))
            begin += len(share)
            values = self._add_gradient(images[part], labels[part], len(share) / count)
            losses = losses.to(values.total.dtype)
            losses += torch.stack([values.total, values.main]) * (len(share) / count)
            logits.append(values.logits)
        is_somebody_idle = any(
            min(micro_batch_size, count - first) < self._team.place.workers
            for first in range(0, count, micro_batch_size)
        )
        total, main = self._add_up(losses, is_somebody_idle=is_somebody_idle)
        return LossValues(total, main, torch.cat(logits))

    def _add_gradient(self, images: Tensor, labels: Tensor, weight: float) -> LossValues:
        """Add the gradient of the weighted mean loss; of no images it is zero."""
        if not len(labels):
            return self._without_images(images)
        with self._precision.autocast():
            losses = self._loss_function(self._model(images), labels)
        self._precision.backward(losses.total * weight)
        return losses.detached()

    def _without_images(self, images: Tensor) -> LossValues:
        """Do with the others what they do together, and add nothing."""
        with _evaluating(self._local_norms), self._precision.autocast():
            outputs = self._model(images)
        logits, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
        nothing = sum((each.sum() for each in auxiliary), logits.sum()) * 0
        self._precision.backward(nothing)
        return LossValues(nothing.detach(), nothing.detach(), logits.detach())

    def _add_up(self, losses: Tensor, *, is_somebody_idle: bool) -> Iterator[Tensor]:
        """Add up losses and gradients of all workers; return the losses' sums."""
        present = [parameter.grad is not None for parameter in self._trained]
        if is_somebody_idle:  # what it has no gradient of, others may have
            have = torch.tensor(present, dtype=torch.float32, device=losses.device)
            present = (self._team.add_up(have) > 0).tolist()
        members = [each for each, is_there in zip(self._trained, present, strict=True) if is_there]
        sums = losses
        for dtype in dict.fromkeys(each.dtype for each in members):
            alike = [each for each in members if each.dtype == dtype]
            whole = [losses.to(dtype)] if dtype == losses.dtype else []
            flat = torch.cat([*whole, *[_gradient(each).flatten() for each in alike]])
            flat = self._team.add_up(flat)
            if whole:
                sums, flat = flat[:2], flat[2:]
            _take_gradients(alike, flat)
        if sums is losses:
            sums = self._team.add_up(losses)
        return iter(sums.unbind())


def _gradient(parameter: nn.Parameter) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _take_gradients(parameters: Sequence[nn.Parameter], flat: Tensor) -> None:
    """Give each parameter its part of (n,) as its gradient."""
    begin = 0
    for parameter in parameters:
        gradient = flat[begin : begin + parameter.numel()].view(parameter.shape)
        begin += parameter.numel()
        if parameter.grad is None:
            parameter.grad = gradient.clone()
        else:
            parameter.grad.copy_(gradient)


@contextmanager
def _evaluating(layers: Sequence[nn.Module]) -> Iterator[None]:
    """Let layers learn nothing of what they see in the block."""
    before = [layer.training for layer in layers]
    for layer in layers:
        layer.eval()
    try:
        yield
    finally:
        for layer, was_training in zip(layers, before, strict=True):
            layer.train(was_training)


_LOCAL_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
"""What takes statistics of the images that one worker holds."""


def level_statistics(team: Team, models: Sequence[nn.Module]) -> None:
    """Give all workers the mean of what their own batch norms have seen."""
    for model in models:
        for layer in model.modules():
            if isinstance(layer, _LOCAL_NORMS):
                for tensor in (layer.running_mean, layer.running_var):
                    if tensor is not None:
                        tensor.copy_(team.add_up(tensor) / team.place.workers)
