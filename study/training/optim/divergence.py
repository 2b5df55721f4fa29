"""Ends a training whose loss is no finite number any more."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from study.training.runtime.failures import TrainingFailure

_STEPS_TOGETHER = 32
"""So many losses go from a GPU to the host together."""


@dataclass
class _Batch:
    """Losses on their way to the host."""

    first_step: int
    losses: Tensor
    """In pinned memory, on the host: (steps,)."""
    arrival: torch.cuda.Event
    """When they are there."""

    def is_there(self) -> bool:
        return bool(self.arrival.query())  # type: ignore[no-untyped-call]


class DivergenceWatch:
    """Raises a failure of class ``diverged`` for the first loss that is not finite, with its step.

    On a CPU each loss is looked at once there is one. From a GPU they come several together, and
    are looked at when they have arrived, so that no step waits for them.
    """

    def __init__(self, device: torch.device) -> None:
        self._device_type = device.type
        self._unchecked: list[tuple[int, Tensor]] = []
        self._under_way: deque[_Batch] = deque()

    def add(self, step: int, loss: Tensor) -> None:
        """Note the training loss of ``step``, and look at those that can be looked at."""
        if self._device_type == "cpu":
            _judge(step, float(loss))
            return
        self._unchecked.append((step, loss))
        if len(self._unchecked) < _STEPS_TOGETHER:
            return
        if self._device_type == "cuda":
            self._send()
            while self._under_way and self._under_way[0].is_there():
                self._look_at(self._under_way.popleft())
        else:
            self.check()

    def check(self) -> None:
        """Look at all losses that were noted; the host waits for them."""
        while self._under_way:
            batch = self._under_way.popleft()
            batch.arrival.synchronize()
            self._look_at(batch)
        unchecked, self._unchecked = self._unchecked, []
        if unchecked:
            losses = torch.stack([loss for _, loss in unchecked])
            for (step, _), value in zip(unchecked, losses.tolist(), strict=True):
                _judge(step, value)

    def _send(self) -> None:
        """Let the noted losses go to the host."""
        unchecked, self._unchecked = self._unchecked, []
        losses = torch.stack([loss for _, loss in unchecked])
        there = torch.empty(len(losses), dtype=losses.dtype, pin_memory=True)
        there.copy_(losses, non_blocking=True)
        arrival = torch.cuda.Event()  # type: ignore[no-untyped-call]
        arrival.record()
        self._under_way.append(_Batch(unchecked[0][0], there, arrival))

    def _look_at(self, batch: _Batch) -> None:
        for step, value in enumerate(batch.losses.tolist(), batch.first_step):
            _judge(step, value)

    def check_validation(self, step: int, validation_loss: float) -> None:
        """Check the validation loss after ``step``."""
        if not math.isfinite(validation_loss):
            message = f"the validation loss became {validation_loss} after step {step}"
            raise TrainingFailure("diverged", message, {"step": step})


def _judge(step: int, loss: float) -> None:
    if not math.isfinite(loss):
        raise TrainingFailure("diverged", f"the loss became {loss} at step {step}", {"step": step})
