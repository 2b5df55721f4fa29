"""Plain networks are as large as published."""

from __future__ import annotations

import pytest

from study.training.models.layers import ImageShape

from .conftest import CIFAR, MNIST, count_parameters


@pytest.mark.parametrize(
    ("options", "shape", "classes", "published"),
    [
        ({"name": "vgg16"}, CIFAR, 10, 33_646_666),
        ({"name": "lenet"}, MNIST, 10, 431_080),
        ({"name": "knet_cnn"}, CIFAR, 10, 3_441_592),
        ({"name": "knet_cnn", "variant": "batch_norm"}, CIFAR, 10, 434_506),
    ],
)
def test_parameters_are_as_many_as_published(
    options: dict[str, object], shape: ImageShape, classes: int, published: int
) -> None:
    assert count_parameters(shape, classes, **options) == published
