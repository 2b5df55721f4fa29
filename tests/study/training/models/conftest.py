"""64 labelled images of 32 × 32 pixels, in color: digits made larger, which every machine has."""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional

IMAGES = 64


@pytest.fixture(scope="session")
def labelled_images() -> tuple[Tensor, Tensor]:
    """Images (64, 3, 32, 32) in about [-1, 1], classes (64,)."""
    digits = load_digits()
    small = torch.tensor(digits.images[:IMAGES], dtype=torch.float32)[:, None] / 8 - 1
    images = functional.interpolate(small.expand(-1, 3, -1, -1), (32, 32), mode="nearest")
    return images.contiguous(), torch.tensor(digits.target[:IMAGES])
