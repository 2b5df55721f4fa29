"""Residual networks equal their references."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from study.training.models.layers import ImageShape
from study.training.runtime.torchvision import torchvision

from .conftest import CIFAR, count_parameters, make


@pytest.mark.parametrize(
    ("options", "shape", "classes", "published"),
    [
        ({"name": "resnet18"}, CIFAR, 10, 11_173_962),
        ({"name": "resnet50"}, CIFAR, 10, 23_520_842),
        ({"name": "resnet50"}, CIFAR, 100, 23_705_252),
        ({"name": "resnet110", "variant": "deepstudy"}, CIFAR, 10, 1_734_858),
        ({"name": "resnet18_two_stage", "variant": "keras"}, CIFAR, 10, 1_853_450),
        ({"name": "resnet18_two_stage", "variant": "julia"}, CIFAR, 10, 1_853_450),
    ],
)
def test_parameters_are_as_many_as_published(
    options: dict[str, object], shape: ImageShape, classes: int, published: int
) -> None:
    assert count_parameters(shape, classes, **options) == published


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_equals_torchvisions_network_behind_a_cifar_stem(name: str) -> None:
    ours = make(name=name).eval()
    theirs = getattr(torchvision.models, name)(num_classes=10).eval()
    theirs.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    theirs.maxpool = nn.Identity()
    # Both list their tensors in the order of computation, except that a projection stands behind
    # its branch in both.
    source = list(ours.state_dict().values())
    target = theirs.state_dict()
    assert [tensor.shape for tensor in source] == [tensor.shape for tensor in target.values()]
    theirs.load_state_dict(dict(zip(target, source, strict=True)))
    images = torch.randn(2, *CIFAR)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))


def test_julia_variant_has_no_activation_behind_its_additions_and_keras_variant_has() -> None:
    images = torch.randn(2, *CIFAR)
    for variant, activated in (("julia", False), ("keras", True)):
        network = make(name="resnet18_two_stage", variant=variant).eval()
        blocks = [layer for layer in network.children() if type(layer).__name__ == "ResidualBlock"]
        assert len(blocks) == 6
        seen: list[Tensor] = []
        handle = blocks[-1].register_forward_hook(
            lambda module, inputs, output, seen=seen: seen.append(output)
        )
        with torch.no_grad():
            network(images)
        handle.remove()
        assert bool((seen[0] >= 0).all()) is activated


def test_julias_shortcuts_stay_as_they_began_where_they_are_fixed() -> None:
    network = make(name="resnet18_two_stage", variant="julia_fixed_shortcuts")
    before = {name: tensor.clone() for name, tensor in network.named_parameters()}
    trained = [tensor for tensor in network.parameters() if tensor.requires_grad]
    optimizer = torch.optim.SGD(trained, lr=0.1)
    network(torch.randn(8, *CIFAR)).square().mean().backward()
    optimizer.step()
    fixed = {n for n, tensor in network.named_parameters() if torch.equal(tensor, before[n])}
    shortcuts = {name for name in before if ".shortcut." in name}
    assert shortcuts
    assert fixed >= shortcuts
    assert sum(before[name].numel() for name in shortcuts) == 111_168
    assert sum(tensor.numel() for tensor in trained) == 1_853_450 - 111_168


def test_keras_counts_running_statistics_too() -> None:
    network = make(name="resnet18_two_stage", variant="keras")
    statistics = sum(
        buffer.numel() for name, buffer in network.named_buffers() if "running" in name
    )
    assert sum(tensor.numel() for tensor in network.parameters()) + statistics == 1_857_418
