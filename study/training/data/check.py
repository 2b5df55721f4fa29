"""Whether a data set of the user's own is what trainings take, told in the words of its maker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

_MOST_CHANNELS = 16
_SHOWN_SHAPES = "(N, C, H, W), uint8 or float in [0, 1]"
_LAST_CHANNELS = (3, 4)
"""So many pixels wide is no image that is higher: they are colors, stored last."""


def data_set_faults(classes: int, parts: Mapping[str, tuple[Any, Any]]) -> Iterator[str]:
    """Say in what a data set isn't as ``DataSet`` describes it, each fault as what must hold.

    ``parts`` are images and labels by ``train``, ``test`` and where there is one ``validation``. A
    test set may be empty.
    """
    if not isinstance(classes, int) or classes < 2:
        yield f"classes must be a number of at least 2; found {classes!r}"
        return
    shapes = set()
    for part, (images, labels) in parts.items():
        for name, value in ((f"{part}_images", images), (f"{part}_labels", labels)):
            if not isinstance(value, Tensor):
                yield f"{name} must be a torch.Tensor; found {type(value).__name__}"
                return
        if part == "test" and images.ndim == 4 and not len(images) and not len(labels):
            shapes.add(tuple(images.shape[1:]))
            continue
        faults = [*_image_faults(f"{part}_images", images)]
        faults += _label_faults(f"{part}_labels", labels, len(images), classes)
        if faults:  # what makes one part mostly makes the others, too
            yield from faults
            return
        shapes.add(tuple(images.shape[1:]))
    if len(shapes) > 1:
        yield f"images must have one shape in training and test set; found {sorted(shapes)}"


def _image_faults(name: str, images: Tensor) -> Iterator[str]:
    shape = tuple(images.shape)
    if images.ndim != 4 or not len(images):
        yield f"{name} must be {_SHOWN_SHAPES}; found shape {shape}"
        return
    if _has_channels_last(shape):
        yield (
            f"{name} must be {_SHOWN_SHAPES}; found shape {shape}, which looks like (N, H, W, C):"
            " .permute(0, 3, 1, 2) brings the channels, which are last, to the front"
        )
        return
    if images.dtype == torch.uint8:
        return
    if not images.is_floating_point():
        yield f"{name} must be uint8 or float in [0, 1]; found {images.dtype}"
        return
    low, high = (float(value) for value in images.aminmax())
    if not (low >= 0 and high <= 1):
        yield f"{name} must be uint8 or float in [0, 1]; found floats from {low:.4g} to {high:.4g}"


def _has_channels_last(shape: tuple[int, ...]) -> bool:
    """Whether images of this shape are more likely (N, H, W, C) than (N, C, H, W)."""
    _, second, third, last = shape
    if second > _MOST_CHANNELS and last <= _MOST_CHANNELS:
        return True
    if last in _LAST_CHANNELS:
        return min(second, third) > last
    return last == 1 and second == third > 1


def _label_faults(name: str, labels: Tensor, images: int, classes: int) -> Iterator[str]:
    if labels.ndim != 1 or len(labels) != images:
        shape = tuple(labels.shape)
        yield f"{name} must be a label for each of {images} images; found shape {shape}"
    elif labels.dtype != torch.int64:
        yield f"{name} must be int64; found {labels.dtype}"
    elif not images:
        return
    elif int(labels.min()) < 0 or int(labels.max()) >= classes:
        most = classes - 1
        found = f"labels from {int(labels.min())} to {int(labels.max())}"
        yield f"{name} must be from 0 to {most}, for {classes} classes; found {found}"
