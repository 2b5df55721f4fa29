"""Augmentations: random changes of whole batches, drawn for each image on its own.

torchvision's transforms draw once for a whole batch; these draw for each image, from a generator
that is given. What is drawn and what is done by it are apart, so that a whole epoch's numbers can
go to a GPU at once, ahead of its batches. All images are (N, C, H, W) in [0, 1]. To add an
augmentation: a section in ``study.training.recipe.augmentations`` and its steps in ``_STEPS``
below.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from study.training.data.augmentations.boxes import draw_crops, draw_erased, erase, resized_crops
from study.training.data.augmentations.drawn import Drawn, DrawnOnHost
from study.training.data.augmentations.policies import apply_operations, draw_operations
from study.training.recipe.augmentations import (
    AffineFlip,
    Augment,
    CropFlip,
    CropFlipCutout,
    Flip,
    OneAugment,
    RandAugment,
    RandomErasing,
    RandomResizedCrop,
    Shift,
    TrivialAugment,
    augmentations,
)

Draws = tuple[Drawn, ...]
"""What was drawn for each step of an augmentation; the first axis of each are the images."""


def augment(images: Tensor, spec: Augment, generator: Generator) -> Tensor:
    """Change each of ``images`` (N, C, H, W) by what ``generator`` draws.

    They lie in [0, 1], or are bytes where the augmentation ``keeps_bytes``.
    """
    count, _, height, width = images.shape
    drawn = draw(spec, count, (height, width), generator)
    return change(images, spec, tuple(each.to(images.device) for each in drawn))


def draw(
    spec: Augment,
    count: int,
    sides: tuple[int, int],
    generator: Generator,
    wanted: tuple[int, int] | None = None,
) -> Draws:
    """Draw on the host what ``change`` does to ``count`` images of this height and width.

    A random resized crop makes them as large as is ``wanted``, by default as they were.
    """
    drawn: list[Drawn] = []
    for step, one in _steps(spec):
        if isinstance(one, RandomResizedCrop):
            boxes = draw_crops(count, sides, one, generator)
            sides = wanted or sides
            boxes = torch.cat([boxes, torch.tensor(sides).expand(count, 2)], 1)
            drawn.append(DrawnOnHost(boxes, torch.empty(count, 0)))
        else:
            drawn.append(step.draw(count, sides, one, generator))
    return tuple(drawn)


def change(images: Tensor, spec: Augment, draws: Draws) -> Tensor:
    """Change each image by what was drawn for it, on the device that both are on."""
    for (step, one), drawn in zip(_steps(spec), draws, strict=True):
        images = step.change(images, one, drawn)
    return images


def keeps_bytes(spec: Augment) -> bool:
    """Tell whether all augmentations give bytes for bytes.

    Those that only move or blank pixels give the same as for floats, four times as fast; those of
    torchvision's are made for bytes.
    """
    return not any(type(one) in _INTERPOLATING for one in augmentations(spec))


def begins_with_crop(spec: Augment) -> bool:
    """Tell whether the first of all resizes what it cuts out, so that nothing else need."""
    return isinstance(next(iter(augmentations(spec)), None), RandomResizedCrop)


def crop(images: Tensor, pad: int, fill: str, generator: Generator) -> Tensor:
    """Pad by ``pad`` pixels (``fill``: zero | reflect) and cut out a random window of the old size.

    As in residual networks on CIFAR (arXiv:1512.03385, section 4.2).
    """
    count, _, height, width = images.shape
    offsets = _draw_offsets(count, (height, width), pad, fill, generator)
    return _cut_windows(images, pad, fill, offsets.to(images.device))


def cutout(images: Tensor, size: int, generator: Generator) -> Tensor:
    """Blank a square of ``size`` pixels around a random pixel (arXiv:1708.04552).

    At the border only the part inside the image is blanked.
    """
    count, _, height, width = images.shape
    return _blank(images, size, _draw_centers(count, (height, width), generator).to(images.device))


def affine(images: Tensor, spec: AffineFlip, generator: Generator) -> Tensor:
    """Rotate, shear, scale and move each image about its center; outside of it is black."""
    return _transform(images, _draw_transforms(len(images), spec, generator).to(images.device))


# -- flip ------------------------------------------------------------------------------


def _draw_flips(count: int, generator: Generator) -> Tensor:
    """Draw with probability 1/2 that an image is mirrored: (N, 1, 1, 1)."""
    return torch.rand(count, 1, 1, 1, generator=generator) < 0.5


def _flip(images: Tensor, is_mirrored: Tensor) -> Tensor:
    """Mirror from left to right."""
    if len(images) == 1 and images.device.type == "cpu":  # as loader processes have them
        return images.flip(3) if is_mirrored.item() else images
    return torch.where(is_mirrored, images.flip(3), images)


# -- crop ------------------------------------------------------------------------------


def _pad_of(sides: tuple[int, int], pad: int, fill: str) -> int:
    """Return the pixels that an image has to be padded with."""
    return min(pad, sides[0] - 1, sides[1] - 1) if fill == "reflect" else pad


def _draw_offsets(
    count: int, sides: tuple[int, int], pad: int, fill: str, generator: Generator
) -> Tensor:
    """Draw where each image's window begins in the padded image, from the top and left: (N, 2)."""
    places = 2 * _pad_of(sides, pad, fill) + 1  # for a window, along each axis
    offsets = torch.randint(0, places, (2, count, 1), generator=generator)
    return offsets.squeeze(2).T


def _cut_windows(images: Tensor, pad: int, fill: str, offsets: Tensor) -> Tensor:
    count, _, height, width = images.shape
    pad = _pad_of((height, width), pad, fill)
    if fill == "reflect":
        padded = _reflect(images, 2, pad)
        padded = _reflect(padded, 3, pad)
    else:
        padded = functional.pad(images, (pad, pad, pad, pad))
    top, left = offsets.unbind(1)  # (N,) each
    # A view of all windows: (N, C, places, places, H, W)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1)
    each = torch.arange(count, device=images.device)
    return windows[each, :, top, left]  # (N, C, H, W)


def _reflect(images: Tensor, axis: int, pad: int) -> Tensor:
    """Pad both ends of one axis by reflection; also bytes, which torch can't reflect."""
    side = images.shape[axis]
    parts = [
        images.narrow(axis, 1, pad).flip(axis),
        images,
        images.narrow(axis, side - 1 - pad, pad).flip(axis),
    ]
    return torch.cat(parts, axis)


# -- cutout ----------------------------------------------------------------------------


def _draw_centers(count: int, sides: tuple[int, int], generator: Generator) -> Tensor:
    """Draw a pixel of each image: row and column, (N, 2)."""
    draws = torch.rand(2, count, 1, generator=generator)
    centers = (draws * torch.tensor(sides).view(2, 1, 1)).floor()
    return centers.squeeze(2).T


def _blank(images: Tensor, size: int, centers: Tensor) -> Tensor:
    _, _, height, width = images.shape
    first_row, first_column = (centers - size // 2).unsqueeze(2).unbind(1)  # (N, 1) each
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    is_in_rows = (rows >= first_row) & (rows < first_row + size)  # (N, H)
    is_in_columns = (columns >= first_column) & (columns < first_column + size)  # (N, W)
    is_row = is_in_rows[:, None, :, None]  # (N, 1, H, 1)
    is_column = is_in_columns[:, None, None, :]  # (N, 1, 1, W)
    return images.masked_fill(is_row & is_column, 0)


# -- affine ----------------------------------------------------------------------------


def _draw_transforms(count: int, spec: AffineFlip, generator: Generator) -> Tensor:
    """Draw each image's affine matrix: (N, 2, 3)."""
    draws = torch.rand(5, count, generator=generator)  # (5, N)
    draws = draws * 2 - 1  # in [-1, 1)
    angle = math.radians(spec.degrees) * draws[0]
    shear = math.radians(spec.shear) * draws[1]
    scale = 1 + spec.scale * draws[2]
    shift = 2 * spec.translate * draws[3:]  # in half image sides: (2, N)
    sheared = angle + shear
    entries = [angle.cos(), -sheared.sin(), angle.sin(), sheared.cos()]
    matrix = torch.stack(entries).view(2, 2, -1) / scale  # (2, 2, N)
    theta = torch.cat([matrix, shift.unsqueeze(1)], 1)  # (2, 3, N)
    return theta.permute(2, 0, 1)


def _transform(images: Tensor, theta: Tensor) -> Tensor:
    """Change images (N, C, H, W) by matrices (N, 2, 3) in pixels, which the grid wants in sides."""
    _, _, height, width = images.shape
    if height != width:
        sides = torch.tensor([[1.0, height / width, 1.0], [width / height, 1.0, 1.0]])
        theta = theta * sides.to(theta)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


# -- augmentations of these steps ------------------------------------------------------


class _Step(NamedTuple):
    """One change: what is drawn for it, and what is done by that."""

    draw: Callable[[int, tuple[int, int], Any, Generator], Drawn]
    """From the number of images, their sides, the spec and a generator: (N, …)."""
    change: Callable[[Tensor, Any, Any], Tensor]
    """Of images, by the spec and what was drawn."""


_FLIP = _Step(
    draw=lambda count, sides, spec, generator: _draw_flips(count, generator),
    change=lambda images, spec, drawn: _flip(images, drawn),
)
_SHIFT = _Step(
    draw=lambda count, sides, spec, generator: _draw_offsets(
        count, sides, spec.pad, "zero", generator
    ),
    change=lambda images, spec, drawn: _cut_windows(images, spec.pad, "zero", drawn),
)
_CROP = _Step(
    draw=lambda count, sides, spec, generator: _draw_offsets(
        count, sides, spec.pad, spec.fill, generator
    ),
    change=lambda images, spec, drawn: _cut_windows(images, spec.pad, spec.fill, drawn),
)
_CUTOUT = _Step(
    draw=lambda count, sides, spec, generator: _draw_centers(count, sides, generator),
    change=lambda images, spec, drawn: _blank(images, spec.size, drawn),
)
_AFFINE = _Step(
    draw=lambda count, sides, spec, generator: _draw_transforms(count, spec, generator),
    change=lambda images, spec, drawn: _transform(images, drawn),
)
_POLICY = _Step(draw=draw_operations, change=apply_operations)
_STEPS: dict[type, tuple[_Step, ...]] = {
    Flip: (_FLIP,),
    Shift: (_SHIFT,),
    CropFlip: (_FLIP, _CROP),
    CropFlipCutout: (_FLIP, _CROP, _CUTOUT),
    AffineFlip: (_AFFINE, _FLIP),
    RandomResizedCrop: (_Step(draw=draw_crops, change=resized_crops),),
    RandAugment: (_POLICY,),
    TrivialAugment: (_POLICY,),
    RandomErasing: (
        _Step(draw=draw_erased, change=lambda images, spec, drawn: erase(images, drawn)),
    ),
}
"""The steps of each augmentation, in the order in which they are drawn and done."""
_INTERPOLATING = {AffineFlip}
"""Augmentations that compute new pixel values, for which bytes are too coarse."""


def _steps(spec: Augment) -> list[tuple[_Step, OneAugment]]:
    """Return the steps of all augmentations, each with the one that it belongs to."""
    return [(step, one) for one in augmentations(spec) for step in _STEPS[type(one)]]
