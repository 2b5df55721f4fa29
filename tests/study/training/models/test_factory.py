"""What all networks share, and what a user can get wrong is said."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from study.errors import UserError
from study.training.recipe.model_catalog import FAMILIES

from .conftest import layers, make


def tiny(image_shape: tuple[int, int, int], classes: int, hidden: int = 4) -> nn.Module:
    """What a user's own factory looks like."""
    channels, height, width = image_shape
    return nn.Sequential(
        nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.Linear(hidden, classes)
    )


def no_module(image_shape: tuple[int, int, int], classes: int) -> str:
    return "not a network"


def test_a_named_start_replaces_the_networks_own() -> None:
    network = make(name="lenet", init="glorot_uniform")
    linear = layers(network, nn.Linear)[0]
    bound = (6 / (linear.in_features + linear.out_features)) ** 0.5
    assert 0.9 * bound < linear.weight.abs().max().item() <= bound
    assert not linear.bias.any()
    conv = [
        layer
        for layer in make(name="resnet18", init="kaiming_normal").modules()
        if isinstance(layer, nn.Conv2d)
    ][1]
    assert conv.weight.std().item() == pytest.approx((2 / (conv.out_channels * 9)) ** 0.5, rel=0.05)


def test_batch_norms_take_the_recipes_momentum_and_epsilon() -> None:
    network = make(name="resnet18", width=0.1, norm_momentum=0.25, norm_eps=0.5)
    norms = layers(network, nn.BatchNorm2d)
    assert {(norm.momentum, norm.eps) for norm in norms} == {(0.25, 0.5)}
    images = torch.randn(8, norms[0].num_features, 4, 4)
    normed = norms[0].train()(images)
    mean, variance = images.mean((0, 2, 3)), images.var((0, 2, 3), unbiased=False)
    torch.testing.assert_close(norms[0].running_mean, 0.25 * mean)
    centered = images - mean[:, None, None]
    torch.testing.assert_close(normed, centered / (variance + 0.5).sqrt()[:, None, None])


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "vit_b_16"])
def test_without_a_word_batch_norms_are_torchs_own(name: str) -> None:
    network = make(name=name, norm="every_conv", width=0.1)
    norms = [
        each for each in network.modules() if isinstance(each, nn.BatchNorm1d | nn.BatchNorm2d)
    ]
    own = nn.BatchNorm2d(1)
    assert {(norm.momentum, norm.eps) for norm in norms} == {(own.momentum, own.eps)}


def test_a_seed_makes_the_same_network_again() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(make(name="googlenet", width=0.0625).state_dict())
    assert all(
        torch.equal(first, second)
        for first, second in zip(*(s.values() for s in states), strict=True)
    )


@pytest.mark.parametrize(
    "name", [name for name, family in FAMILIES.items() if 4 < family.smallest <= 32]
)
def test_images_too_small_are_refused_and_the_smallest_pass(name: str) -> None:
    smallest = FAMILIES[name].smallest
    narrow = {} if name == "lenet" else {"width": 0.1}
    with torch.no_grad():
        assert make((3, smallest, smallest), name=name, **narrow).eval()(
            torch.randn(2, 3, smallest, smallest)
        ).shape == (2, 10)
    with pytest.raises(
        UserError, match=f"at least {smallest} pixels a side for {name}; found {smallest - 1}"
    ):
        make((3, smallest - 1, smallest - 1), name=name, **narrow)


def test_a_users_own_factory_gets_the_shape_the_classes_and_its_options() -> None:
    network = make((1, 8, 8), 7, name=f"{__name__}:tiny", options={"hidden": 5})
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 7)
    assert next(network.parameters()).shape == (5, 64)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("no_such_package.models:net", {}, "must be importable"),
        (f"{__name__}:absent", {}, "must be importable"),
        (f"{__name__}:tiny", {"depth": 2}, "must be an argument of .*:tiny; found 'depth'"),
        (f"{__name__}:no_module", {}, "must answer a torch.nn.Module; found str"),
    ],
)
def test_a_factory_that_doesnt_work_is_named(
    name: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make(name=name, options=options)
