"""Augmentations: random changes of whole batches, drawn for each image on its own.

torchvision's transforms draw once for a whole batch; these draw for each image, from a generator
that is given. All take and return images of (N, C, H, W) in [0, 1]. To add one: a section in
``study.training.recipe.sections`` and its function in ``_AUGMENTATIONS`` below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Generator, Tensor
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


def augment(images: Tensor, spec: Augment, generator: Generator) -> Tensor:
    """Change each of ``images`` (N, C, H, W) by what ``generator`` draws.

    They lie in [0, 1], or are bytes where the augmentation ``keeps_bytes``.
    """
    return _AUGMENTATIONS[type(spec)](images, spec, generator)


def keeps_bytes(spec: Augment) -> bool:
    """Tell whether an augmentation only moves or blanks pixels.

    It then gives the same for bytes as for floats, four times as fast.
    """
    return type(spec) not in _INTERPOLATING


def flip(images: Tensor, generator: Generator) -> Tensor:
    """Mirror each image from left to right with probability 1/2."""
    is_mirrored = torch.rand(len(images), 1, 1, 1, generator=generator) < 0.5  # (N, 1, 1, 1)
    return torch.where(is_mirrored.to(images.device), images.flip(3), images)


def crop(images: Tensor, pad: int, fill: str, generator: Generator) -> Tensor:
    """Pad by ``pad`` pixels (``fill``: zero | reflect) and cut out a random window of the old size.

    As in residual networks on CIFAR (arXiv:1512.03385, section 4.2).
    """
    count, _, height, width = images.shape
    if fill == "reflect":
        pad = min(pad, height - 1, width - 1)
        padded = _reflect(_reflect(images, 2, pad), 3, pad)
    else:
        padded = functional.pad(images, (pad, pad, pad, pad))
    offsets = torch.randint(0, 2 * pad + 1, (2, count, 1), generator=generator)
    top, left = offsets.to(images.device).squeeze(2)  # (N,) each
    # A view of all windows: (N, C, 2 pad + 1, 2 pad + 1, H, W)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    return windows[torch.arange(count, device=images.device), :, top, left]  # (N, C, H, W)


def _reflect(images: Tensor, axis: int, pad: int) -> Tensor:
    """Pad both ends of one axis by reflection; also bytes, which torch can't reflect."""
    last = images.shape[axis] - 1
    from_start = torch.arange(-pad, last + pad + 1, device=images.device).abs()
    from_both = last - (last - from_start).abs()
    return images.index_select(axis, from_both)


def cutout(images: Tensor, size: int, generator: Generator) -> Tensor:
    """Blank a square of ``size`` pixels around a random pixel (arXiv:1708.04552).

    At the border only the part inside the image is blanked.
    """
    count, _, height, width = images.shape
    sides = torch.tensor([height, width]).view(2, 1, 1)
    center = torch.rand(2, count, 1, generator=generator) * sides
    center = center.floor().to(images.device)  # (2, N, 1): row and column
    low = center - size // 2
    high = low + size
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    in_rows = (rows >= low[0]) & (rows < high[0])  # (N, H)
    in_columns = (columns >= low[1]) & (columns < high[1])  # (N, W)
    square = in_rows[:, :, None] & in_columns[:, None, :]  # (N, H, W)
    return images.masked_fill(square.unsqueeze(1), 0)


def affine(images: Tensor, spec: AffineFlip, generator: Generator) -> Tensor:
    """Rotate, shear, scale and move each image about its center; outside of it is black."""
    draws = torch.rand(5, len(images), generator=generator) * 2 - 1  # in [-1, 1): (5, N)
    angle = math.radians(spec.degrees) * draws[0]
    shear = math.radians(spec.shear) * draws[1]
    scale = 1 + spec.scale * draws[2]
    sheared = angle + shear
    entries = [angle.cos(), -sheared.sin(), angle.sin(), sheared.cos()]
    matrix = torch.stack(entries).view(2, 2, -1) / scale  # (2, 2, N)
    shift = 2 * spec.translate * draws[3:].unsqueeze(1)  # in half image sides: (2, 1, N)
    theta = torch.cat([matrix, shift], 1).permute(2, 0, 1).to(images.device)  # (N, 2, 3)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def _no_augment(images: Tensor, spec: NoAugment, generator: Generator) -> Tensor:
    return images


def _flip(images: Tensor, spec: Flip, generator: Generator) -> Tensor:
    return flip(images, generator)


def _shift(images: Tensor, spec: Shift, generator: Generator) -> Tensor:
    return crop(images, spec.pad, "zero", generator)


def _crop_flip(images: Tensor, spec: CropFlip | CropFlipCutout, generator: Generator) -> Tensor:
    return crop(flip(images, generator), spec.pad, spec.fill, generator)


def _crop_flip_cutout(images: Tensor, spec: CropFlipCutout, generator: Generator) -> Tensor:
    return cutout(_crop_flip(images, spec, generator), spec.size, generator)


def _affine_flip(images: Tensor, spec: AffineFlip, generator: Generator) -> Tensor:
    return flip(affine(images, spec, generator), generator)


_AUGMENTATIONS: dict[type, Callable[[Tensor, Any, Generator], Tensor]] = {
    NoAugment: _no_augment,
    Flip: _flip,
    Shift: _shift,
    CropFlip: _crop_flip,
    CropFlipCutout: _crop_flip_cutout,
    AffineFlip: _affine_flip,
}
_INTERPOLATING = {AffineFlip}
"""Augmentations that compute new pixel values, for which bytes are too coarse."""
