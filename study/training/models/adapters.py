"""What a recipe may put in front of a network or behind it: resizing, gray to color, softmax.

These are hooks and not modules around the network, so that its parameters keep the names that its
family gives them (``lr_factors`` and pretrained weights go by name).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

Outputs = Tensor | tuple[Tensor, ...]
"""Logits of (N, classes); in training with auxiliary heads a tuple of them, the main ones first."""

_COLORS = 3


def resize_inputs(network: nn.Module, height: int, width: int) -> None:
    """Let ``network`` see images of (N, C, ``height``, ``width``), whatever their size was."""

    def resize(module: nn.Module, inputs: tuple[Tensor]) -> Tensor:
        return functional.interpolate(inputs[0], (height, width), mode="bilinear", antialias=True)

    network.register_forward_pre_hook(resize)


def accept_gray(network: nn.Module, channels: int) -> None:
    """Let a network for color images take gray ones: (N, 1, H, W) is repeated to (N, 3, H, W).

    Raises ValueError where ``channels``, those of the images, are neither 1 nor 3.
    """
    if channels not in (1, _COLORS):
        raise ValueError(
            f"images must have 1 or {_COLORS} channels for this model; found {channels}"
        )

    def repeat(module: nn.Module, inputs: tuple[Tensor]) -> Tensor:
        return inputs[0].expand(-1, _COLORS, -1, -1)

    if channels == 1:
        network.register_forward_pre_hook(repeat)


def add_softmax(network: nn.Module) -> None:
    """Let ``network`` return probabilities in place of logits, from its auxiliary heads too."""

    def softmax(module: nn.Module, inputs: object, outputs: Outputs) -> Outputs:
        if isinstance(outputs, tuple):
            return tuple(logits.softmax(dim=1) for logits in outputs)
        return outputs.softmax(dim=1)

    network.register_forward_hook(softmax)
