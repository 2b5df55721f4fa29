"""From stored pixels to what a network sees: resized, augmented, normalized; on whole batches, each
image apart.

torchvision's transforms draw once for a whole batch; these draw for each image, from a generator
that is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from study.training.recipe.sections import (
    AffineFlip,
    Augment,
    CropFlip,
    CropFlipCutout,
    Flip,
    NoAugment,
    Shift,
)

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of ImageNet's channels, as torchvision's pretrained models expect them."""


def as_unit(images: Tensor) -> Tensor:
    """uint8 -> float32 in [0, 1]; floats are there already."""
    return images.float() / 255 if images.dtype == torch.uint8 else images.float()


def resized(images: Tensor, side: int | None) -> Tensor:
    if side is None or images.shape[-2:] == (side, side):
        return images
    larger = functional.interpolate(images, size=(side, side), mode="bicubic", antialias=True)
    return larger.clamp_(0, 1)  # bicubic overshoots at edges


@dataclass(frozen=True)
class Normalization:
    """Mean and deviation of each channel, shaped (C, 1, 1)."""

    mean: Tensor
    deviation: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        return (images - self.mean) / self.deviation

    def to(self, device: torch.device) -> Normalization:
        return Normalization(self.mean.to(device), self.deviation.to(device))


def statistics(images: Tensor) -> Normalization:
    """Of a whole set, channel by channel. Bytes are counted, so that no float copy of the set is
    made.
    """
    values, weights = [], []
    for channel in images.unbind(1):
        counted = images.dtype == torch.uint8
        values.append(torch.arange(256) / 255.0 if counted else channel.flatten())
        weights.append(
            torch.bincount(channel.flatten(), minlength=256)
            if counted
            else torch.ones(channel.numel())
        )
    value, weight = torch.stack(values).double(), torch.stack(weights).double()
    weight /= weight.sum(1, keepdim=True)
    mean = (weight * value).sum(1, keepdim=True)
    deviation = (weight * (value - mean).square()).sum(1, keepdim=True).sqrt().clamp_min(1e-6)
    return Normalization(mean.float().unsqueeze(2), deviation.float().unsqueeze(2))


def normalization(kind: str, own: Tensor, training: Tensor) -> Normalization:
    """For a set of images ``own``, beside the images that train."""
    if kind == "none":
        return Normalization(torch.zeros(1, 1, 1), torch.ones(1, 1, 1))
    if kind == "imagenet":
        mean, deviation = (torch.tensor(values).view(-1, 1, 1) for values in _IMAGENET)
        return Normalization(mean, deviation)
    return statistics(own if kind == "own" else training)


def _flip(images: Tensor, chance: torch.Generator) -> Tensor:
    mirrored = torch.rand(len(images), 1, 1, 1, generator=chance) < 0.5
    return torch.where(mirrored.to(images.device), images.flip(3), images)


def crop(images: Tensor, pad: int, fill: str, chance: torch.Generator) -> Tensor:
    """Pad by ``pad`` and cut each image out at its own place."""
    count, _, height, width = images.shape
    if fill == "reflect":
        pad = min(pad, height - 1, width - 1)
        padded = _reflected(_reflected(images, 2, pad), 3, pad)
    else:
        padded = functional.pad(images, (pad, pad, pad, pad))
    top, left = (
        torch.randint(0, 2 * pad + 1, (2, count, 1), generator=chance).to(images.device).squeeze(2)
    )
    windows = padded.unfold(2, height, 1).unfold(
        3, width, 1
    )  # a view, (N, C, 2 pad + 1, 2 pad + 1, H, W)
    return windows[torch.arange(count, device=images.device), :, top, left]


def _reflected(images: Tensor, axis: int, pad: int) -> Tensor:
    """Longer by ``pad`` at both ends of an axis, mirrored there; also of bytes, for which torch has
    no such padding.
    """
    last = images.shape[axis] - 1
    places = torch.arange(-pad, last + pad + 1, device=images.device).abs()
    return images.index_select(axis, last - (last - places).abs())


def cutout(images: Tensor, size: int, chance: torch.Generator) -> Tensor:
    """Blank a square around a random pixel; at the border a part of it."""
    count, _, height, width = images.shape
    center = torch.rand(2, count, 1, generator=chance) * torch.tensor([height, width]).view(2, 1, 1)
    center = center.floor().to(images.device)
    low, high = center - size // 2, center - size // 2 + size
    axes = [torch.arange(side, device=images.device) for side in (height, width)]
    inside = [(axis >= low[i]) & (axis < high[i]) for i, axis in enumerate(axes)]  # (N, H), (N, W)
    return images.masked_fill((inside[0][:, :, None] & inside[1][:, None, :]).unsqueeze(1), 0)


def affine(images: Tensor, spec: AffineFlip, chance: torch.Generator) -> Tensor:
    """Turn, shear, scale and move each image about its center; what comes from outside is black."""
    draws = torch.rand(5, len(images), generator=chance) * 2 - 1
    turn, shear = (
        math.radians(limit) * draw
        for limit, draw in zip((spec.degrees, spec.shear), draws, strict=False)
    )
    scale = 1 + spec.scale * draws[2]
    matrix = (
        torch.stack([turn.cos(), -(turn + shear).sin(), turn.sin(), (turn + shear).cos()]).view(
            2, 2, -1
        )
        / scale
    )
    shift = 2 * spec.translate * draws[3:].unsqueeze(1)  # in half image sides, (2, 1, N)
    theta = torch.cat([matrix, shift], 1).permute(2, 0, 1).to(images.device)  # (N, 2, 3)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def _crop_flip(images: Tensor, spec: CropFlip | CropFlipCutout, chance: torch.Generator) -> Tensor:
    return crop(_flip(images, chance), spec.pad, spec.fill, chance)


def moves_pixels_alone(spec: Augment) -> bool:
    """Whether pixels are only moved or blanked, which is the same for bytes, and done four times as
    fast.
    """
    return not isinstance(spec, AffineFlip)


Change = Callable[[Tensor, Any, torch.Generator], Tensor]
_CHANGES: dict[type, Change] = {
    NoAugment: lambda images, spec, chance: images,
    Flip: lambda images, spec, chance: _flip(images, chance),
    Shift: lambda images, spec, chance: crop(images, spec.pad, "zero", chance),
    CropFlip: _crop_flip,
    CropFlipCutout: lambda images, spec, chance: cutout(
        _crop_flip(images, spec, chance), spec.size, chance
    ),
    AffineFlip: lambda images, spec, chance: _flip(affine(images, spec, chance), chance),
}


def augmented(images: Tensor, spec: Augment, chance: torch.Generator) -> Tensor:
    """``images`` of (N, C, H, W), each changed on its own by what ``chance`` draws.

    They lie in [0, 1], or are bytes where pixels are only moved.
    """
    return _CHANGES[type(spec)](images, spec, chance)
