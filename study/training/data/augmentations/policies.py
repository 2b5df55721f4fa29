"""RandAugment and TrivialAugment: each image by an operation and a strength of its own.

An operation is done to all images of a batch at once that have it at the same strength, by
torchvision's own function; those that move pixels, whatever their strength, by one sampling of a
grid. So a GPU gets a few operations for each batch, and nothing of what was drawn is asked of it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn import functional

from study.training.data.augmentations.drawn import DrawnOnHost
from study.training.recipe.augmentations import RandAugment, TrivialAugment

_BINS = 31
"""Strengths that an operation has, in both."""
_MOVING = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
_SIGNED = (*_MOVING, "Brightness", "Color", "Contrast", "Sharpness")
_BY_STRENGTH = (*_SIGNED, "Posterize", "Solarize")
OPERATIONS = ("Identity", *_BY_STRENGTH, "AutoContrast", "Equalize")
"""The operations of torchvision's RandAugment and TrivialAugmentWide, in its words."""
_VARIANTS = 2 * _BINS
"""Of each operation: a strength and its sign."""


class Operation(NamedTuple):
    """An operation as it is done to an image."""

    name: str
    strength: float
    group: int
    """Operations of one group are done to their images at once."""
    matrix: tuple[float, ...]
    """Where pixels move: from a place in the result to one in the image, both in halves of a side
    from its middle, (3, 2).
    """


@lru_cache(maxsize=64)
def operations(is_trivial: bool, sides: tuple[int, int]) -> tuple[Operation, ...]:
    """Return every operation at every strength and sign for images of this height and width."""
    height, width = sides
    shear, color, degrees, lost_bits = (0.99, 0.99, 135.0, 6) if is_trivial else (0.3, 0.9, 30.0, 4)
    shifts = (32.0, 32.0) if is_trivial else (150 / 331 * width, 150 / 331 * height)
    greatest = {"ShearX": shear, "ShearY": shear, "TranslateX": shifts[0], "TranslateY": shifts[1]}
    greatest |= {"Rotate": degrees}
    bits = (8 - torch.arange(_BINS) / ((_BINS - 1) / lost_bits)).round()
    strengths = {"Posterize": bits, "Solarize": torch.linspace(1.0, 0.0, _BINS)}
    found: list[Operation] = []
    for name in OPERATIONS:
        linear = torch.linspace(0.0, greatest.get(name, color), _BINS)
        for variant in range(_VARIANTS):
            number, is_turned = divmod(variant, 2)
            strength = float(strengths.get(name, linear)[number])
            if is_turned and name in _SIGNED:
                strength = -strength
            matrix = _matrix(name, strength, sides) if name in _MOVING else (0.0,) * 6
            found.append(Operation(name, strength, _group(name, len(found), strength), matrix))
    return tuple(found)


def _group(name: str, number: int, strength: float) -> int:
    """Return a number that only operations share which can be done at once."""
    if name in _MOVING:
        return 0
    return number + 1 if name in _BY_STRENGTH else OPERATIONS.index(name) * _VARIANTS + 1


def draw_operations(
    count: int,
    sides: tuple[int, int],
    spec: RandAugment | TrivialAugment,
    generator: Generator,
) -> DrawnOnHost:
    """Draw the operations of each image, and their strengths where they aren't given.

    On the host their numbers among ``operations``, (N, steps + 2), the images' sides behind them;
    on the device their groups and matrices, (N, steps, 7).
    """
    is_trivial = isinstance(spec, TrivialAugment)
    steps = 1 if isinstance(spec, TrivialAugment) else spec.operations
    chosen = torch.randint(len(OPERATIONS), (count, steps), generator=generator)
    bins = torch.randint(_BINS, (count, steps), generator=generator)
    if isinstance(spec, RandAugment):
        bins = torch.full_like(bins, spec.magnitude)
    turned = torch.randint(2, (count, steps), generator=generator)
    numbers = _VARIANTS * chosen + 2 * bins + turned
    table = torch.tensor([(each.group, *each.matrix) for each in operations(is_trivial, sides)])
    ends = torch.tensor(sides).expand(count, 2)
    return DrawnOnHost(torch.cat([numbers, ends], 1), table[numbers])


def apply_operations(
    images: Tensor, spec: RandAugment | TrivialAugment, drawn: DrawnOnHost
) -> Tensor:
    """Do to each image what was drawn for it, one step after the other."""
    height, width = drawn.here[0, -2:].tolist()
    known = operations(isinstance(spec, TrivialAugment), (height, width))
    for step in range(drawn.there.shape[1]):
        done = [known[number] for number in drawn.here[:, step].tolist()]
        images = _apply_step(images, done, drawn.there[:, step])
    return images


def _apply_step(images: Tensor, done: list[Operation], there: Tensor) -> Tensor:
    """Do to each image its operation, to those of a group at once."""
    members: dict[int, list[Operation]] = {}
    for operation in done:
        members.setdefault(operation.group, []).append(operation)
    order = torch.argsort(there[:, 0], stable=True)  # by group, on the images' device
    groups = sorted(members)
    sizes = [len(members[group]) for group in groups]
    parts = torch.split(images[order], sizes)
    matrices = torch.split(there[order, 1:], sizes)
    changed = []
    for group, part, matrix in zip(groups, parts, matrices, strict=True):
        if members[group][0].name in _MOVING:
            changed.append(_moved(part, matrix))
        else:
            changed.append(_recolored(part, members[group][0]))
    return torch.cat(changed)[torch.argsort(order)]


# -- pixels that move ------------------------------------------------------------------


def _moved(images: Tensor, matrices: Tensor) -> Tensor:
    """Take each pixel from where its image's matrix (N, 6) says, black from outside."""
    count, _, height, width = images.shape
    columns = torch.linspace((1 - width) / 2, (width - 1) / 2, width, device=images.device)
    rows = torch.linspace((1 - height) / 2, (height - 1) / 2, height, device=images.device)
    places = torch.ones(height, width, 3, device=images.device)
    places[..., 0] = columns
    places[..., 1] = rows.unsqueeze(1)
    grid = places.view(1, -1, 3).expand(count, -1, -1).bmm(matrices.view(count, 3, 2))
    floats = images if images.is_floating_point() else images.float()
    moved = functional.grid_sample(
        floats, grid.view(count, height, width, 2), mode="nearest", align_corners=False
    )
    return moved if images.is_floating_point() else moved.round_().to(images.dtype)


def _matrix(name: str, strength: float, sides: tuple[int, int]) -> tuple[float, ...]:
    """Return the matrix of an operation that moves pixels; shears leave the left upper corner."""
    height, width = sides
    center, shift, angle, shear_x, shear_y = (0.0, 0.0), (0, 0), 0.0, 0.0, 0.0
    match name:
        case "ShearX":
            center, shear_x = (-width / 2, -height / 2), math.atan(strength)
        case "ShearY":
            center, shear_y = (-width / 2, -height / 2), math.atan(strength)
        case "TranslateX":
            shift = (int(strength), 0)
        case "TranslateY":
            shift = (0, int(strength))
        case "Rotate":
            angle = math.radians(-strength)
    cosine = math.cos(angle - shear_y) / math.cos(shear_y)
    sine = math.sin(angle - shear_y) / math.cos(shear_y)
    slanted = cosine * math.tan(shear_x) + math.sin(angle)
    upright = math.cos(angle) - sine * math.tan(shear_x)
    middle_x, middle_y = center[0] + shift[0], center[1] + shift[1]
    from_x = center[0] - upright * middle_x - slanted * middle_y
    from_y = center[1] + sine * middle_x - cosine * middle_y
    theta = torch.tensor([[upright, slanted, from_x], [-sine, cosine, from_y]])  # (2, 3)
    halves = torch.tensor([0.5 * width, 0.5 * height])
    return tuple((theta.T / halves).flatten().tolist())


# -- colors ----------------------------------------------------------------------------


def _recolored(images: Tensor, operation: Operation) -> Tensor:
    """Change the colors of images, all in the same way."""
    # it imports torchvision, which takes long
    from study.training.runtime.torchvision import v2_functional

    changes, factor = v2_functional(), 1.0 + operation.strength
    changed: Tensor = images
    match operation.name:
        case "Brightness":
            changed = changes.adjust_brightness(images, factor)
        case "Color":
            changed = changes.adjust_saturation(images, factor)
        case "Contrast":
            changed = changes.adjust_contrast(images, factor)
        case "Sharpness":
            changed = _sharpened(images, factor)
        case "Posterize":
            changed = changes.posterize(images, int(operation.strength))
        case "Solarize":
            most = 1.0 if images.is_floating_point() else 255.0
            changed = changes.solarize(images, most * operation.strength)
        case "AutoContrast":
            changed = changes.autocontrast(images)
        case "Equalize":
            changed = changes.equalize(images)
    return changed


def _sharpened(images: Tensor, factor: float) -> Tensor:
    """Blend images with their blurred selves, but for the border.

    torchvision's own brings a kernel from the host at each call, for which a GPU would wait.
    """
    _, channels, height, width = images.shape
    if min(height, width) <= 2:
        return images
    is_float = images.is_floating_point()
    sharpened = images.to(images.dtype if is_float else torch.float32, copy=True)
    kernel = torch.full((channels, 1, 3, 3), 1 / 13, dtype=sharpened.dtype, device=images.device)
    kernel[:, :, 1, 1] = 5 / 13
    blurred = functional.conv2d(sharpened, kernel, groups=channels)
    if not is_float:
        blurred = blurred.round_()
    inner = sharpened[..., 1:-1, 1:-1]
    inner.add_(blurred.sub_(inner), alpha=1 - factor)
    sharpened = sharpened.clamp_(0, 1 if is_float else 255)
    return sharpened if is_float else sharpened.to(images.dtype)
