"""Ends a training whose loss is no finite number any more."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from study.training.runtime.failures import TrainingFailure

_STEPS_BETWEEN_CHECKS = 32
"""On a GPU: reading a loss waits for the device."""


class DivergenceWatch:
    """Raises a failure of class ``diverged`` for the first loss that is not finite, with its step.

    On a CPU each loss is checked at once, on a GPU several together now and then.
    """

    def __init__(self, device: torch.device) -> None:
        self._steps_between_checks = 1 if device.type == "cpu" else _STEPS_BETWEEN_CHECKS
        self._unchecked: list[tuple[int, Tensor]] = []

    def add(self, step: int, loss: Tensor) -> None:
        """Note the training loss of ``step``, and check the noted ones where it is time."""
        self._unchecked.append((step, loss))
        if len(self._unchecked) >= self._steps_between_checks:
            self.check()

    def check(self) -> None:
        """Check the losses noted since the last check."""
        unchecked, self._unchecked = self._unchecked, []
        if not unchecked:
            return
        losses = torch.stack([loss for _, loss in unchecked])  # (steps,)
        are_finite = losses.isfinite().tolist()
        for (step, loss), is_finite in zip(unchecked, are_finite, strict=True):
            if not is_finite:
                message = f"the loss became {float(loss)} at step {step}"
                raise TrainingFailure("diverged", message, {"step": step})

    def check_validation(self, step: int, validation_loss: float) -> None:
        """Check the validation loss after ``step``."""
        if not math.isfinite(validation_loss):
            message = f"the validation loss became {validation_loss} after step {step}"
            raise TrainingFailure("diverged", message, {"step": step})
