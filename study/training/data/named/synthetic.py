"""Images made of noise over soft patterns: for tests and trials without any file."""

from __future__ import annotations

from pathlib import Path

import torch
from torch.nn import functional

from study.training.data.datasets import DataSet

_CLASSES = 10
_SIDE = 32
_TRAIN_IMAGES = 5000
_TEST_IMAGES = 1000


def make_synthetic(folder: Path) -> DataSet:
    """Make 5,000 training and 1,000 test images of (3, 32, 32), in 10 classes, always the same."""
    count = _TRAIN_IMAGES + _TEST_IMAGES
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(_CLASSES, 3, 4, 4, generator=generator)
    patterns = functional.interpolate(coarse, size=(_SIDE, _SIDE), mode="bilinear")
    labels = torch.arange(count) % _CLASSES  # (N,)
    noise = torch.randn(count, 3, _SIDE, _SIDE, generator=generator)
    brightness = patterns[labels] * 0.5 + 0.25 + 0.2 * noise  # (N, 3, H, W)
    images = (255 * brightness).clamp(0, 255).to(torch.uint8)
    return DataSet(
        train_images=images[:_TRAIN_IMAGES],
        train_labels=labels[:_TRAIN_IMAGES],
        test_images=images[_TRAIN_IMAGES:],
        test_labels=labels[_TRAIN_IMAGES:],
        classes=_CLASSES,
    )
