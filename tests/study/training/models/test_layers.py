"""Norm layers stand exactly where the placement says, in the order and of the kind that the recipe
says.
"""

from __future__ import annotations

import pytest
import torch
from torch import nn

from study.training.models import layers
from study.training.models.factory import build_model
from study.training.models.googlenet import Inception
from study.training.models.layers import GlobalMaxPool, ResponseNorm
from study.training.models.resnet import ResidualBlock
from study.training.recipe.model import ModelSpec
from study.training.runtime.torchvision import torchvision

from .conftest import norm_layers

NARROW: dict[str, dict[str, object]] = {
    "small_cnn": {},
    "lenet": {},
    "vgg16": {"width": 0.0625},
    "flux_cnn": {"width": 0.25},
    "knet_cnn": {"width": 0.25},
    "resnet18": {"width": 0.125},
    "resnet50": {"width": 0.0625},
    "resnet": {"depth": 14},
    "resnet110": {"width": 0.25},
    "resnet18_two_stage": {"width": 0.25},
    "googlenet": {"width": 0.125, "aux_heads": True},
    "mobilenet_v1": {"width": 0.25},
    "efficientnet_b0": {"width": 0.25},
}


def network(name: str, **options: object) -> nn.Module:
    return build_model(
        ModelSpec.model_validate({"name": name, **NARROW[name], **options}), (3, 32, 32), 10
    )


def convolutions(module: nn.Module) -> list[nn.Sequential]:
    """The sequences that begin with a convolution: all convolutions but the gates of
    squeeze-and-excitation.
    """
    sequences = [
        layer for layer in module.modules() if isinstance(layer, nn.Sequential) and len(layer)
    ]
    found = [layer for layer in sequences if isinstance(layer[0], nn.Conv2d)]
    gates = [
        layer for layer in module.modules() if isinstance(layer, torchvision.ops.SqueezeExcitation)
    ]
    in_gates = sum(isinstance(layer, nn.Conv2d) for gate in gates for layer in gate.modules())
    total = sum(isinstance(layer, nn.Conv2d) for layer in module.modules())
    assert len(found) == total - in_gates
    return found


def joins(module: nn.Module) -> int:
    block = torchvision.models.efficientnet.MBConv
    own = sum(isinstance(layer, ResidualBlock | Inception) for layer in module.modules())
    return own + sum(
        isinstance(layer, block) and layer.use_res_connect for layer in module.modules()
    )


@pytest.mark.parametrize("name", NARROW)
def test_none_has_none(name: str) -> None:
    assert norm_layers(network(name, norm="none")) == 0
    assert norm_layers(network(name, norm="every_conv_and_block", norm_kind="none")) == 0


@pytest.mark.parametrize("name", NARROW)
def test_every_conv_has_one_behind_each_convolution_and_no_other(name: str) -> None:
    made = network(name, norm="every_conv", order="conv_norm_act")
    sequences = convolutions(made)
    assert all(isinstance(sequence[1], nn.BatchNorm2d) for sequence in sequences)
    assert norm_layers(made) == len(sequences)


@pytest.mark.parametrize("name", NARROW)
def test_every_conv_and_block_has_one_more_behind_each_join(name: str) -> None:
    made = network(name, norm="every_conv_and_block")
    assert norm_layers(made) == len(convolutions(made)) + joins(made)


@pytest.mark.parametrize("name", NARROW)
def test_conv_act_norm_puts_the_activation_in_front_of_the_norm(name: str) -> None:
    for sequence in convolutions(network(name, norm="every_conv", order="conv_act_norm")):
        assert isinstance(sequence[-1], nn.BatchNorm2d)
        assert all(
            isinstance(layer, nn.ReLU | nn.ReLU6 | nn.SiLU) for layer in list(sequence)[1:-1]
        )


@pytest.mark.parametrize("name", NARROW)
def test_kind_group_has_group_norms_only(name: str) -> None:
    made = network(name, norm="every_conv", norm_kind="group")
    assert sum(isinstance(layer, nn.GroupNorm) for layer in made.modules()) == norm_layers(made) > 0


@pytest.mark.parametrize("name", NARROW)
def test_convolutions_without_a_norm_have_a_bias(name: str) -> None:
    assert all(
        sequence[0].bias is not None for sequence in convolutions(network(name, norm="none"))
    )


@pytest.mark.parametrize("name", NARROW)
@pytest.mark.parametrize("norm", ["none", "every_conv", "every_conv_and_block"])
@pytest.mark.parametrize("order", ["conv_norm_act", "conv_act_norm"])
def test_every_placement_answers_one_logit_a_class(name: str, norm: str, order: str) -> None:
    with torch.no_grad():
        logits = network(name, norm=norm, order=order).eval()(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 10)
    assert logits.isfinite().all()


def test_the_published_networks_with_normed_hidden_layers_have_them_beside_the_convolutions() -> (
    None
):
    knet = network("knet_cnn", variant="batch_norm")
    assert norm_layers(knet) == len(convolutions(knet)) + 1
    googlenet = network("googlenet", variant="fc_norm")
    assert (
        sum(isinstance(layer, nn.BatchNorm1d) for layer in googlenet.modules())
        == norm_layers(googlenet)
        == 8
    )


@pytest.mark.parametrize("layer", [GlobalMaxPool(), ResponseNorm(16), ResponseNorm(5, alpha=0.1)])
def test_what_a_gpu_repeats_is_the_same_function(
    layer: nn.Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = torch.randn(2, 20, 5, 4, dtype=torch.float64, requires_grad=True)
    usual = layer(images)
    usual.square().sum().backward()
    gradient, images.grad = images.grad, None
    monkeypatch.setattr(layers, "_must_repeat", lambda images: True)
    repeated = layer(images)
    repeated.square().sum().backward()
    torch.testing.assert_close(repeated, usual)
    torch.testing.assert_close(images.grad, gradient)


def test_no_network_uses_what_a_gpu_cannot_repeat() -> None:
    """Of torch's list of such operations, these have a backward pass that networks might use."""
    unrepeatable = (nn.AdaptiveMaxPool2d, nn.MaxPool3d, nn.ReflectionPad2d, nn.FractionalMaxPool2d)
    for name in NARROW:
        for layer in network(name).modules():
            assert not isinstance(layer, unrepeatable), name
            assert type(layer) is not nn.LocalResponseNorm, name
