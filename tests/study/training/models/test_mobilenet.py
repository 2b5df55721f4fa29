"""MobileNet v1 and its width multiplier."""

from __future__ import annotations

import pytest
from torch import nn

from study.training.models.layers import ImageShape

from .conftest import CIFAR, IMAGENET, count_parameters, layers, make


@pytest.mark.parametrize(
    ("options", "shape", "classes", "published"),
    [
        ({"name": "mobilenet_v1"}, IMAGENET, 1000, 4_231_976),
        (
            {"name": "mobilenet_v1", "variant": "twelve_blocks", "width": 0.1, "rho": 0.9997},
            CIFAR,
            100,
            71_004,
        ),
    ],
)
def test_parameters_are_as_many_as_published(
    options: dict[str, object], shape: ImageShape, classes: int, published: int
) -> None:
    assert count_parameters(shape, classes, **options) == published


def test_the_width_multiplies_channels() -> None:
    convolutions = layers(make(name="mobilenet_v1", width=0.1), nn.Conv2d)
    assert [conv.out_channels for conv in convolutions[::2]] == [
        3,
        6,
        13,
        13,
        26,
        26,
        51,
        51,
        51,
        51,
        51,
        51,
        102,
        102,
    ]
