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
    draws = torch.rand(len(images), 1, 1, 1, generator=generator)  # (N, 1, 1, 1)
    is_mirrored = (draws < 0.5).to(images.device)
    return torch.where(is_mirrored, images.flip(3), images)


def crop(images: Tensor, pad: int, fill: str, generator: Generator) -> Tensor:
    """Pad by ``pad`` pixels (``fill``: zero | reflect) and cut out a random window of the old size.

    As in residual networks on CIFAR (arXiv:1512.03385, section 4.2).
    """
    count, _, height, width = images.shape
    if fill == "reflect":
        pad = min(pad, height - 1, width - 1)
        padded = _reflect(images, 2, pad)
        padded = _reflect(padded, 3, pad)
    else:
        padded = functional.pad(images, (pad, pad, pad, pad))
    places = 2 * pad + 1  # for a window, along each axis
    offsets = torch.randint(0, places, (2, count, 1), generator=generator)
    offsets = offsets.to(images.device).squeeze(2)
    top, left = offsets  # (N,) each
    # A view of all windows: (N, C, places, places, H, W)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    each = torch.arange(count, device=images.device)
    return windows[each, :, top, left]  # (N, C, H, W)


def _reflect(images: Tensor, axis: int, pad: int) -> Tensor:
    """Pad both ends of one axis by reflection; also bytes, which torch can't reflect."""
    last = images.shape[axis] - 1
    positions = torch.arange(-pad, last + pad + 1, device=images.device)
    positions = positions.abs()  # reflected at the start
    positions = last - (last - positions).abs()  # and at the end
    return images.index_select(axis, positions)


def cutout(images: Tensor, size: int, generator: Generator) -> Tensor:
    """Blank a square of ``size`` pixels around a random pixel (arXiv:1708.04552).

    At the border only the part inside the image is blanked.
    """
    count, _, height, width = images.shape
    draws = torch.rand(2, count, 1, generator=generator)
    sides = torch.tensor([height, width]).view(2, 1, 1)
    center = (draws * sides).floor().to(images.device)  # (2, N, 1): row and column
    first_row, first_column = center - size // 2  # (N, 1) each
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    is_in_rows = (rows >= first_row) & (rows < first_row + size)  # (N, H)
    is_in_columns = (columns >= first_column) & (columns < first_column + size)  # (N, W)
    is_row = is_in_rows[:, None, :, None]  # (N, 1, H, 1)
    is_column = is_in_columns[:, None, None, :]  # (N, 1, 1, W)
    return images.masked_fill(is_row & is_column, 0)


def affine(images: Tensor, spec: AffineFlip, generator: Generator) -> Tensor:
    """Rotate, shear, scale and move each image about its center; outside of it is black."""
    draws = torch.rand(5, len(images), generator=generator)  # (5, N)
    draws = draws * 2 - 1  # in [-1, 1)
    angle = math.radians(spec.degrees) * draws[0]
    shear = math.radians(spec.shear) * draws[1]
    scale = 1 + spec.scale * draws[2]
    shift = 2 * spec.translate * draws[3:]  # in half image sides: (2, N)
    sheared = angle + shear
    entries = [angle.cos(), -sheared.sin(), angle.sin(), sheared.cos()]
    matrix = torch.stack(entries).view(2, 2, -1) / scale  # (2, 2, N)
    theta = torch.cat([matrix, shift.unsqueeze(1)], 1)  # (2, 3, N)
    theta = theta.permute(2, 0, 1).to(images.device)  # (N, 2, 3)
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
