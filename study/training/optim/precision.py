"""The arithmetic of a training: autocast, loss scaling, and the update that counts what it had to
skip.

``tf32`` is a switch of the GPU's matrix units (see ``randomness.alone``) and plain fp32 anywhere
else.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from study.training.recipe.sections import ClipNorm, ClipValue, NoClip

_AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp16_unscaled": torch.float16}


class Arithmetic:
    """Forward, backward and update in one precision; ``skipped`` counts updates lost to an overflow
    in fp16.
    """

    def __init__(self, precision: str, device: torch.device) -> None:
        self.device = device
        self.dtype = _AUTOCAST.get(precision)
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
        self.used = "fp32" if precision == "tf32" and device.type != "cuda" else precision
        self.skipped = 0

    def autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, dtype=self.dtype) if self.dtype else nullcontext()

    def backward(self, loss: Tensor) -> None:
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def update(self, optimizer: Optimizer, clip: NoClip | ClipNorm | ClipValue) -> Tensor:
        """One step; returns the 2-norm of the whole gradient as it was before clipping."""
        self.scaler.unscale_(optimizer)
        norm = _clipped(
            clip, (parameter for group in optimizer.param_groups for parameter in group["params"])
        )
        scale = self.scaler.get_scale()
        self.scaler.step(optimizer)
        self.scaler.update()
        self.skipped += int(
            self.scaler.get_scale() < scale
        )  # the scale falls only when a step was skipped
        return norm

    def state_dict(self) -> dict[str, Any]:
        return {"scaler": self.scaler.state_dict(), "skipped": self.skipped}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.scaler.load_state_dict(state["scaler"])
        self.skipped = state["skipped"]


def _clipped(clip: NoClip | ClipNorm | ClipValue, parameters: Iterable[nn.Parameter]) -> Tensor:
    """Clip the gradients in place as the recipe says; their norm before that."""
    trained = [parameter for parameter in parameters if parameter.grad is not None]
    norm = nn.utils.get_total_norm(
        [parameter.grad for parameter in trained if parameter.grad is not None]
    )
    if isinstance(clip, ClipNorm):
        nn.utils.clip_grads_with_norm_(trained, clip.limit, norm)
    elif isinstance(clip, ClipValue):
        nn.utils.clip_grad_value_(trained, clip.limit)
    return norm
