"""GoogLeNet and its auxiliary heads."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from study.training.models.layers import ImageShape

from .conftest import CIFAR, count_parameters, make


@pytest.mark.parametrize(
    ("options", "shape", "classes", "published"),
    [
        ({"name": "googlenet", "aux_heads": True}, CIFAR, 10, 15_958_702),
    ],
)
def test_parameters_are_as_many_as_published(
    options: dict[str, object], shape: ImageShape, classes: int, published: int
) -> None:
    assert count_parameters(shape, classes, **options) == published


def test_auxiliary_heads_answer_in_training_only() -> None:
    network = make(name="googlenet", aux_heads=True, width=0.0625)
    images = torch.randn(2, *CIFAR)
    main, first, second = network(images)
    assert main.shape == first.shape == second.shape == (2, 10)
    assert isinstance(network.eval()(images), Tensor)


def test_googlenet_holds_9_84_million_parameters_in_its_auxiliary_heads() -> None:
    with_heads = count_parameters(CIFAR, 10, name="googlenet", aux_heads=True)
    auxiliary = with_heads - count_parameters(CIFAR, 10, name="googlenet")
    assert auxiliary == 9_838_100


def test_auxiliary_heads_fit_images_that_are_no_square() -> None:
    network = make((3, 16, 32), name="googlenet", aux_heads=True, width=0.0625)
    for logits in network(torch.randn(2, 3, 16, 32)):
        assert logits.shape == (2, 10)
