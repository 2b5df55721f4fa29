"""64 labelled images of 32 × 32 pixels, in color: of CIFAR-10 where this machine has it, else
digits made larger.
"""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor
from torch.nn import functional

from study.training.data.datasets import load_data_set
from study.training.recipe.sections import Data

IMAGES = 64


@pytest.fixture(scope="session")
def labelled_images(request: pytest.FixtureRequest) -> tuple[Tensor, Tensor]:
    """Images (64, 3, 32, 32) in [-1, 1], classes (64,)."""
    try:
        folder = request.getfixturevalue("cifar")
    except pytest.skip.Exception:
        return digits()
    data = load_data_set(Data(name="cifar10"), folder)
    return data.train_images[:IMAGES].float() / 127.5 - 1, data.train_labels[:IMAGES]


def digits() -> tuple[Tensor, Tensor]:
    digits = load_digits()
    small = torch.tensor(digits.images[:IMAGES], dtype=torch.float32)[:, None] / 8 - 1
    images = functional.interpolate(small.expand(-1, 3, -1, -1), (32, 32), mode="nearest")
    return images.contiguous(), torch.tensor(digits.target[:IMAGES])
