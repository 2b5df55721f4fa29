"""The loss that is trained, the figure that is reported, and the watch over both."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from study.training.recipe.sections import CrossEntropy
from study.training.runtime.failures import TrainingFailure

_CHECK_EVERY = 32
"""Steps between looks at a GPU's losses: each look waits for the device."""


@dataclass(frozen=True)
class Losses:
    """``total`` is what the gradient is of; ``main`` is the main output's cross-entropy alone,
    which is reported.
    """

    total: Tensor
    main: Tensor
    logits: Tensor  # (N, classes)

    def detached(self) -> Losses:
        return Losses(self.total.detach(), self.main.detach(), self.logits.detach())


class Loss:
    """Cross-entropy with label smoothing, the weighted losses of auxiliary heads, and L1 and L2
    penalties.

    A model gives logits of (N, classes), or in training a tuple of those and each auxiliary head's
    logits.
    """

    def __init__(self, spec: CrossEntropy, model: nn.Module) -> None:
        self.spec = spec
        self.matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]

    def __call__(self, outputs: Tensor | tuple[Tensor, ...], labels: Tensor) -> Losses:
        logits, *heads = outputs if isinstance(outputs, tuple) else (outputs,)
        main = self.cross_entropy(logits, labels)
        total = main + self.penalty()
        for head in heads:
            total = total + self.spec.aux_weight * self.cross_entropy(head, labels)
        return Losses(total, main, logits)

    def cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits, labels, label_smoothing=self.spec.label_smoothing)

    def penalty(self) -> Tensor | float:
        """Over weight matrices and kernels, not over biases and norms."""
        l1 = (
            self.spec.l1 * sum(matrix.abs().sum() for matrix in self.matrices)
            if self.spec.l1
            else 0.0
        )
        l2 = (
            self.spec.l2 * sum(matrix.square().sum() for matrix in self.matrices)
            if self.spec.l2
            else 0.0
        )
        return l1 + l2


class Watch:
    """Raises ``diverged``, with the step, for the first loss that is no finite number; a GPU is
    asked now and then.
    """

    def __init__(self, device: torch.device) -> None:
        self.every = 1 if device.type == "cpu" else _CHECK_EVERY
        self.waiting: list[tuple[int, Tensor]] = []

    def see(self, step: int, loss: Tensor) -> None:
        self.waiting.append((step, loss))
        if len(self.waiting) >= self.every:
            self.look()

    def judge(self, step: int, validation_loss: float) -> None:
        """The same for the validation loss after ``step``, which no figure of an epoch means
        anything without.
        """
        if not math.isfinite(validation_loss):
            message = f"the validation loss became {validation_loss} after step {step}"
            raise TrainingFailure("diverged", message, {"step": step})

    def look(self) -> None:
        waiting, self.waiting = self.waiting, []
        if not waiting:
            return
        finite = torch.stack([loss for _, loss in waiting]).isfinite().tolist()
        for (step, loss), good in zip(waiting, finite, strict=True):
            if not good:
                raise TrainingFailure(
                    "diverged", f"the loss became {float(loss)} at step {step}", {"step": step}
                )
