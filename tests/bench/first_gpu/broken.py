"""A network that looks outside of a tensor: on a GPU the kernel asserts, and breaks its context."""

from __future__ import annotations

from torch import Tensor, nn


class LooksOutside(nn.Sequential):
    """Takes logits of classes that there aren't."""

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = super().forward(images)
        return logits[:, images.flatten(1).argmax(1) + logits.shape[1]][:, : logits.shape[1]]


def looks_outside(image_shape: tuple[int, int, int], classes: int) -> nn.Module:
    """Build the network."""
    channels, height, width = image_shape
    return LooksOutside(nn.Flatten(), nn.Linear(channels * height * width, classes))
