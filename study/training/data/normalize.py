"""From stored pixels to what a network sees: floats in [0, 1], resized, then normalized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

_IMAGENET_MEAN = (0.485, 0.456, 0.406)
_IMAGENET_STD = (0.229, 0.224, 0.225)
"""Of ImageNet's channels, as torchvision's pretrained models expect them."""

_SMALLEST_STD = 1e-6
"""Keeps a channel of one constant value from dividing by zero."""


@dataclass(frozen=True)
class Normalization:
    """Subtracts each channel's mean and divides by its standard deviation, both (C, 1, 1)."""

    mean: Tensor
    std: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.std

    def to(self, device: torch.device) -> Normalization:
        return Normalization(self.mean.to(device), self.std.to(device))


def to_unit_range(images: Tensor) -> Tensor:
    """Bring bytes to float32 in [0, 1]; floats are there already."""
    if images.dtype == torch.uint8:
        return images / 255
    return images.float()


def as_stored(images: Tensor) -> Tensor:
    """Return bytes as they are and floats as float32, which all that changes images counts in."""
    return images if images.dtype == torch.uint8 else images.float()


class Middle(NamedTuple):
    """Where the middle of an image lies once its shorter side is resized: all in pixels."""

    height: int
    width: int
    """Of the whole image, resized."""
    top: int
    left: int
    """From where on the middle is cut out, a square."""


def middle_of(height: int, width: int, side: int) -> Middle:
    """Return where the middle square of ``side`` pixels is cut out of an image of this size.

    As torchvision's Resize and CenterCrop do it.
    """
    long = int(side * max(height, width) / min(height, width))
    sides = (side, long) if height <= width else (long, side)
    return Middle(*sides, round((sides[0] - side) / 2), round((sides[1] - side) / 2))


def resize(images: Tensor, side: int | None, fit: str = "stretch") -> Tensor:
    """Resize (N, C, H, W) to (N, C, ``side``, ``side``) bicubically; None leaves it as it is.

    ``fit`` is that of the recipe's data section.
    """
    if side is None or images.shape[-2:] == (side, side):
        return images
    sides = (side, side)
    if fit == "crop":
        height, width = images.shape[-2:]
        middle = middle_of(height, width, side)
        sides = (middle.height, middle.width)
    resized = functional.interpolate(images, size=sides, mode="bicubic", antialias=True)
    if fit == "crop":
        resized = resized.narrow(2, middle.top, side).narrow(3, middle.left, side)
    return resized.clamp_(0, 1)  # bicubic overshoots at edges


def channel_statistics(images: Tensor) -> Normalization:
    """Return the mean and standard deviation of each channel over all images (N, C, H, W).

    Bytes are counted by value, so that no float copy of the whole set is made.
    """
    is_bytes = images.dtype == torch.uint8
    all_values, all_counts = [], []
    for channel in images.unbind(1):  # (N, H, W)
        pixels = channel.flatten()
        if is_bytes:
            all_values.append(torch.arange(256) / 255.0)
            all_counts.append(torch.bincount(pixels, minlength=256))
        else:
            all_values.append(pixels)
            all_counts.append(torch.ones(pixels.numel()))
    values = torch.stack(all_values).double()  # (C, 256 or N·H·W)
    weights = torch.stack(all_counts).double()
    weights /= weights.sum(1, keepdim=True)
    mean = (weights * values).sum(1, keepdim=True)  # (C, 1)
    squares = (values - mean).square()
    variance = (weights * squares).sum(1, keepdim=True)
    std = variance.sqrt().clamp_min(_SMALLEST_STD)
    return Normalization(
        mean=mean.float().unsqueeze(2),  # (C, 1, 1)
        std=std.float().unsqueeze(2),
    )


def make_normalization(kind: str, own: Tensor, training: Tensor) -> Normalization:
    """Return the normalization that ``data.normalize`` names, for the images ``own``.

    ``training`` are the images that train, whose statistics hold for all sets by default.
    """
    if kind == "none":
        return Normalization(torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
    if kind == "imagenet":
        mean = torch.tensor(_IMAGENET_MEAN).view(-1, 1, 1)
        std = torch.tensor(_IMAGENET_STD).view(-1, 1, 1)
        if own.shape[1] == 1:  # gray: its one channel stands for all three
            mean, std = (values.mean(0, keepdim=True) for values in (mean, std))
        return Normalization(mean, std)
    return channel_statistics(own if kind == "own" else training)
