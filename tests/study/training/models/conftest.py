"""Networks by their options, and 64 labelled images of 32 × 32 pixels, in color: of CIFAR-10 where this machine has it, else
digits made larger.
"""

from __future__ import annotations

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from study.training.data.datasets import load_data_set
from study.training.models.factory import build_model
from study.training.models.layers import ImageShape
from study.training.recipe.model import ModelSpec
from study.training.recipe.sections import Data

IMAGES = 64
CIFAR = (3, 32, 32)
MNIST = (1, 28, 28)
IMAGENET = (3, 224, 224)
NORMS = (_BatchNorm, nn.GroupNorm, nn.LayerNorm)


def make(shape: ImageShape = CIFAR, classes: int = 10, **options: object) -> nn.Module:
    return build_model(ModelSpec.model_validate(options), shape, classes)


def count_parameters(shape: ImageShape, classes: int, **options: object) -> int:
    with torch.device("meta"):
        network = make(shape, classes, **options)
    return sum(tensor.numel() for tensor in network.parameters())


def layers(network: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, kind)]


def norm_layers(module: nn.Module) -> int:
    return sum(isinstance(layer, NORMS) for layer in module.modules())


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
