"""The multilayer perceptron and its hidden layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from study.training.models.layers import ImageShape

from .conftest import MNIST, count_parameters, make, norm_layers


@pytest.mark.parametrize(
    ("options", "shape", "classes", "published"),
    [
        ({"name": "mlp"}, MNIST, 10, 50_890),
        ({"name": "mlp", "width": 4.0}, MNIST, 10, 203_530),
        ({"name": "mlp", "variant": "linear"}, MNIST, 10, 50_890),
    ],
)
def test_parameters_are_as_many_as_published(
    options: dict[str, object], shape: ImageShape, classes: int, published: int
) -> None:
    assert count_parameters(shape, classes, **options) == published


def test_an_mlp_counts_its_hidden_layers_as_convolutions() -> None:
    spec = {"name": "mlp", "depth": 3}
    assert norm_layers(make((1, 8, 8), **spec)) == 0
    assert norm_layers(make((1, 8, 8), **spec, norm="every_conv")) == 3


@pytest.mark.parametrize("width", [0.25, 0.5, 0.52, 1.0, 1.55, 4.0])
def test_a_group_norm_of_features_lets_the_image_through(width: float) -> None:
    network = make((1, 8, 8), name="mlp", width=width, norm="every_conv", norm_kind="group")
    (norm,) = [layer for layer in network.modules() if isinstance(layer, nn.GroupNorm)]
    assert norm.num_channels // norm.num_groups >= 8
    outputs = network(torch.randn(32, 1, 8, 8))
    assert len(outputs.unique(dim=0)) == 32
