"""EfficientNet-B0 is torchvision's, with the norms that the recipe places."""

from __future__ import annotations

import pytest
import torch

from study.training.models.layers import ImageShape
from study.training.runtime.torchvision import torchvision

from .conftest import CIFAR, IMAGENET, count_parameters, make


@pytest.mark.parametrize(
    ("options", "shape", "classes", "published"),
    [
        ({"name": "efficientnet_b0"}, IMAGENET, 10, 4_020_358),
    ],
)
def test_parameters_are_as_many_as_published(
    options: dict[str, object], shape: ImageShape, classes: int, published: int
) -> None:
    assert count_parameters(shape, classes, **options) == published


def test_efficientnet_is_torchvisions_network_where_nothing_else_is_said() -> None:
    torch.manual_seed(0)
    ours = make(name="efficientnet_b0").eval()
    theirs = torchvision.models.efficientnet_b0(num_classes=10).eval()
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(2, *CIFAR)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))
