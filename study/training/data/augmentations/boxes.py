"""Random boxes in images: cut out and resized, or blanked.

Areas and ratios are drawn as torchvision's v2 transforms do, ten at once, of which the first that
fits is taken; what is done to an image by its box is torchvision's own function, or equals it.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from study.training.data.augmentations.drawn import DrawnOnHost
from study.training.recipe.augmentations import RandomErasing, RandomResizedCrop

_TRIES = 10


def draw_crops(
    count: int, sides: tuple[int, int], spec: RandomResizedCrop, generator: Generator
) -> Tensor:
    """Draw the box that is cut out of each image: top, left, height, width, (N, 4) integers.

    Where no box fits, it is the largest in the middle whose ratio is allowed.
    """
    height, width = sides
    heights, widths = _draw_sizes(count, sides, spec, generator)
    fits = (heights >= 1) & (widths >= 1) & (heights <= height) & (widths <= width)
    boxes = _placed(heights, widths, fits, sides, generator)
    return torch.where(fits.any(1, keepdim=True), boxes, torch.tensor(_middle(sides, spec)))


def resized_crops(images: Tensor, spec: RandomResizedCrop, drawn: DrawnOnHost) -> Tensor:
    """Cut each image's box out and resize it, bilinear with antialiasing (arXiv:1409.4842).

    ``drawn.here`` has the boxes' four numbers, and the height and width to resize to.
    """
    # it imports torchvision, which takes long
    from study.training.runtime.torchvision import v2_functional

    functional = v2_functional()
    resized = [
        functional.resized_crop(image, top, left, height, width, sides, antialias=True)
        for image, (top, left, height, width, *sides) in zip(
            images, drawn.here.tolist(), strict=True
        )
    ]
    return torch.stack(resized)


def draw_erased(
    count: int, sides: tuple[int, int], spec: RandomErasing, generator: Generator
) -> Tensor:
    """Draw the box that is blanked in each image: top, left, height, width, (N, 4) integers.

    It is empty where nothing is blanked.
    """
    is_erased = torch.rand(count, 1, generator=generator) < spec.probability
    heights, widths = _draw_sizes(count, sides, spec, generator)
    # torchvision has the ratio as height over width here, and as width over height above
    heights, widths = widths, heights
    fits = (heights < sides[0]) & (widths < sides[1])
    boxes = _placed(heights, widths, fits, sides, generator)
    return torch.where(is_erased & fits.any(1, keepdim=True), boxes, 0)


def erase(images: Tensor, boxes: Tensor) -> Tensor:
    """Make each image black in its box (arXiv:1708.04896)."""
    _, _, height, width = images.shape
    top, left, heights, widths = boxes.unsqueeze(2).unbind(1)  # (N, 1) each
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    is_in_rows = (rows >= top) & (rows < top + heights)  # (N, H)
    is_in_columns = (columns >= left) & (columns < left + widths)  # (N, W)
    return images.masked_fill(is_in_rows[:, None, :, None] & is_in_columns[:, None, None, :], 0)


def _draw_sizes(
    count: int,
    sides: tuple[int, int],
    spec: RandomResizedCrop | RandomErasing,
    generator: Generator,
) -> tuple[Tensor, Tensor]:
    """Draw ten heights and widths of a box for each image: (N, 10) each, not yet known to fit.

    The share of the area is uniform, the ratio of width to height on a logarithmic scale.
    """
    draws = torch.rand(2, count, _TRIES, generator=generator).double()
    share = spec.scale_min + draws[0] * (spec.scale_max - spec.scale_min)
    logs = torch.tensor([spec.ratio_min, spec.ratio_max], dtype=torch.float64).log()
    ratio = (logs[0] + draws[1] * (logs[1] - logs[0])).exp()
    area = sides[0] * sides[1] * share
    return (area / ratio).sqrt().round(), (area * ratio).sqrt().round()


def _placed(
    heights: Tensor,
    widths: Tensor,
    fits: Tensor,
    sides: tuple[int, int],
    generator: Generator,
) -> Tensor:
    """Draw where the first size that fits lies in each image: (N, 4) integers."""
    first = fits.int().argmax(1, keepdim=True)  # (N, 1)
    sizes = torch.cat([heights.gather(1, first), widths.gather(1, first)], 1)  # (N, 2)
    rooms = torch.tensor(sides) - sizes + 1
    draws = torch.rand(len(heights), 2, generator=generator).double()
    places = (draws * rooms).floor()
    return torch.cat([places, sizes], 1).long()


def _middle(sides: tuple[int, int], spec: RandomResizedCrop) -> list[int]:
    """Return the largest box in the middle whose ratio of width to height is allowed."""
    height, width = sides
    box_height = min(height, round(width / spec.ratio_min))
    box_width = min(width, round(height * spec.ratio_max))
    return [(height - box_height) // 2, (width - box_width) // 2, box_height, box_width]
