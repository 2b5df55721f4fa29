"""What stands in front of a network or behind it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from study.errors import UserError

from .conftest import CIFAR, make


def test_softmax_makes_probabilities_of_every_head() -> None:
    outputs = make(name="googlenet", aux_heads=True, width=0.0625, softmax=True)(
        torch.randn(2, *CIFAR)
    )
    for probabilities in outputs:
        torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))
    assert make(name="small_cnn")(torch.randn(2, *CIFAR)).sum(dim=1).ne(1).all()


def test_resolution_resizes_in_front_of_the_network() -> None:
    images = torch.randn(2, *CIFAR)
    torch.manual_seed(0)
    halved = make(name="small_cnn", resolution=0.5)
    torch.manual_seed(0)
    plain = make((3, 16, 16), name="small_cnn")
    smaller = nn.functional.interpolate(images, (16, 16), mode="bilinear", antialias=True)
    torch.testing.assert_close(halved(images), plain(smaller))
    assert list(halved.state_dict()) == list(plain.state_dict())


@pytest.mark.parametrize("name", ["efficientnet_b0", "vit_b_16"])
def test_networks_made_for_color_take_gray_images(name: str) -> None:
    narrow = {"width": 0.1} | ({"depth": 1} if name == "vit_b_16" else {})
    gray = make((1, 32, 32), name=name, **narrow).eval()
    images = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        assert gray(images).shape == (2, 10)
    with pytest.raises(UserError, match="1 or 3 channels"):
        make((4, 32, 32), name=name, **narrow)
