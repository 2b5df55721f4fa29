"""Mixed precision: autocast, loss scaling, gradient clipping and the optimizer's step.

``tf32`` is a switch of the GPU's matrix units (see ``randomness.isolated_process_state``) and plain
fp32 anywhere else. Loss scaling is that of arXiv:1710.03740.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from study.training.recipe.sections import ClipNorm, ClipValue, NoClip

_AUTOCAST_TYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp16_unscaled": torch.float16}


class MixedPrecision:
    """Forward, backward and update in one precision: fp32, tf32, bf16, fp16 or fp16_unscaled."""

    def __init__(self, precision: str, device: torch.device) -> None:
        self._device_type = device.type
        self._autocast_type = _AUTOCAST_TYPES.get(precision)
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == "fp16")
        is_tf32_elsewhere = precision == "tf32" and device.type != "cuda"
        self.effective = "fp32" if is_tf32_elsewhere else precision
        """The precision that the device really computes in."""
        self._skipped: Tensor | int = 0
        """On the device, so that no step waits for it."""

    @property
    def skipped_steps(self) -> int:
        """Updates that were left out because their gradient overflowed in fp16."""
        return int(self._skipped)

    def autocast(self) -> AbstractContextManager[None]:
        """Return the context in which the forward pass and the loss are computed."""
        if self._autocast_type is None:
            return nullcontext()
        return torch.autocast(self._device_type, dtype=self._autocast_type)

    def backward(self, loss: Tensor) -> None:
        """Add the gradient of the (scaled) loss to the parameters."""
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]

    def step(self, optimizer: Optimizer, clip: NoClip | ClipNorm | ClipValue) -> Tensor:
        """Unscale and clip the gradient, then update the parameters.

        Returns the 2-norm of the whole gradient as it was before clipping: a scalar.
        """
        if not self.scaler.is_enabled():
            gradient_norm = _clip_gradients(optimizer, clip)
            optimizer.step()
            return gradient_norm
        self.scaler.unscale_(optimizer)
        gradient_norm = _clip_gradients(optimizer, clip)
        # private to torch, which gives the scale as a number alone, for which the host must wait
        scale: Tensor = self.scaler._scale  # type: ignore[assignment]
        before = scale.clone()
        self.scaler.step(optimizer)
        self.scaler.update()
        self._skipped = self._skipped + (scale < before)  # it falls for no other reason
        return gradient_norm

    def state_dict(self) -> dict[str, Any]:
        return {"scaler": self.scaler.state_dict(), "skipped": self.skipped_steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.scaler.load_state_dict(state["scaler"])
        self._skipped = state["skipped"]


def _clip_gradients(optimizer: Optimizer, clip: NoClip | ClipNorm | ClipValue) -> Tensor:
    """Clip the gradients in place (arXiv:1211.5063); returns their norm before that."""
    parameters: list[nn.Parameter] = []
    gradients: list[Tensor] = []
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if parameter.grad is not None:
                parameters.append(parameter)
                gradients.append(parameter.grad)
    norm = nn.utils.get_total_norm(gradients)
    if isinstance(clip, ClipNorm):
        nn.utils.clip_grads_with_norm_(parameters, clip.limit, norm)
    elif isinstance(clip, ClipValue):
        nn.utils.clip_grad_value_(parameters, clip.limit)
    return norm
