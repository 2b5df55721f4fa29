"""Networks equal their references, and what a user can get wrong is said."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from study.errors import UserError
from study.training.models import build
from study.training.recipe.model import ModelSpec
from study.training.recipe.model_catalog import FAMILIES
from study.training.runtime.torchvision import torchvision

CIFAR = (3, 32, 32)


def made(shape: tuple[int, int, int] = CIFAR, classes: int = 10, **options: object) -> nn.Module:
    return build(ModelSpec.model_validate(options), shape, classes)


def layers(network: nn.Module, kind: type[nn.Module]) -> list[nn.Module]:
    return [layer for layer in network.modules() if isinstance(layer, kind)]


def tiny(image_shape: tuple[int, int, int], classes: int, hidden: int = 4) -> nn.Module:
    """What a user's own factory looks like."""
    channels, height, width = image_shape
    return nn.Sequential(
        nn.Flatten(), nn.Linear(channels * height * width, hidden), nn.Linear(hidden, classes)
    )


def no_module(image_shape: tuple[int, int, int], classes: int) -> str:
    return "not a network"


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_equals_torchvisions_network_behind_a_cifar_stem(name: str) -> None:
    ours = made(name=name).eval()
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


def test_efficientnet_is_torchvisions_network_where_nothing_else_is_said() -> None:
    torch.manual_seed(0)
    ours = made(name="efficientnet_b0").eval()
    theirs = torchvision.models.efficientnet_b0(num_classes=10).eval()
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(2, *CIFAR)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), theirs(images))


def test_julia_variant_has_no_activation_behind_its_additions_and_keras_variant_has() -> None:
    images = torch.randn(2, *CIFAR)
    for variant, activated in (("julia", False), ("keras", True)):
        network = made(name="resnet18_two_stage", variant=variant).eval()
        blocks = [layer for layer in network.children() if type(layer).__name__ == "Residual"]
        assert len(blocks) == 6
        seen: list[Tensor] = []
        handle = blocks[-1].register_forward_hook(
            lambda module, inputs, output, seen=seen: seen.append(output)
        )
        with torch.no_grad():
            network(images)
        handle.remove()
        assert bool((seen[0] >= 0).all()) is activated


def test_auxiliary_heads_answer_in_training_only() -> None:
    network = made(name="googlenet", aux_heads=True, width=0.0625)
    images = torch.randn(2, *CIFAR)
    main, first, second = network(images)
    assert main.shape == first.shape == second.shape == (2, 10)
    assert isinstance(network.eval()(images), Tensor)


def test_softmax_makes_probabilities_of_every_head() -> None:
    outputs = made(name="googlenet", aux_heads=True, width=0.0625, softmax=True)(
        torch.randn(2, *CIFAR)
    )
    for probabilities in outputs:
        torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))
    assert made(name="small_cnn")(torch.randn(2, *CIFAR)).sum(dim=1).ne(1).all()


def test_resolution_resizes_in_front_of_the_network() -> None:
    images = torch.randn(2, *CIFAR)
    torch.manual_seed(0)
    halved = made(name="small_cnn", resolution=0.5)
    torch.manual_seed(0)
    plain = made((3, 16, 16), name="small_cnn")
    smaller = nn.functional.interpolate(images, (16, 16), mode="bilinear", antialias=True)
    torch.testing.assert_close(halved(images), plain(smaller))
    assert list(halved.state_dict()) == list(plain.state_dict())


@pytest.mark.parametrize("name", ["efficientnet_b0", "vit_b_16"])
def test_networks_made_for_color_take_gray_images(name: str) -> None:
    narrow = {"width": 0.1} | ({"depth": 1} if name == "vit_b_16" else {})
    gray = made((1, 32, 32), name=name, **narrow).eval()
    images = torch.randn(2, 1, 32, 32)
    with torch.no_grad():
        assert gray(images).shape == (2, 10)
    with pytest.raises(UserError, match="1 or 3 channels"):
        made((4, 32, 32), name=name, **narrow)


def test_a_named_start_replaces_the_networks_own() -> None:
    network = made(name="lenet", init="glorot_uniform")
    linear = layers(network, nn.Linear)[0]
    bound = (6 / (linear.in_features + linear.out_features)) ** 0.5
    assert 0.9 * bound < linear.weight.abs().max().item() <= bound
    assert not linear.bias.any()
    conv = [
        layer
        for layer in made(name="resnet18", init="kaiming_normal").modules()
        if isinstance(layer, nn.Conv2d)
    ][1]
    assert conv.weight.std().item() == pytest.approx((2 / (conv.out_channels * 9)) ** 0.5, rel=0.05)


def test_a_seed_makes_the_same_network_again() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        states.append(made(name="googlenet", width=0.0625).state_dict())
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
        assert made((3, smallest, smallest), name=name, **narrow).eval()(
            torch.randn(2, 3, smallest, smallest)
        ).shape == (2, 10)
    with pytest.raises(
        UserError, match=f"at least {smallest} pixels a side for {name}; found {smallest - 1}"
    ):
        made((3, smallest - 1, smallest - 1), name=name, **narrow)


def test_vit_refuses_sides_that_its_patches_dont_divide() -> None:
    with pytest.raises(UserError, match=r"set data\.image_size"):
        made((3, 28, 28), name="vit_b_16", depth=1)


def test_a_users_own_factory_gets_the_shape_the_classes_and_its_options() -> None:
    network = made((1, 8, 8), 7, name=f"{__name__}:tiny", options={"hidden": 5})
    assert network(torch.randn(2, 1, 8, 8)).shape == (2, 7)
    assert next(network.parameters()).shape == (5, 64)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("no_such_package.models:net", {}, "must be importable"),
        (f"{__name__}:absent", {}, "must be importable"),
        (f"{__name__}:tiny", {"depth": 2}, "must take"),
        (f"{__name__}:no_module", {}, "must answer a torch.nn.Module; found str"),
    ],
)
def test_a_factory_that_doesnt_work_is_named(
    name: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        made(name=name, options=options)


def test_the_width_multiplies_channels() -> None:
    convolutions = layers(made(name="mobilenet_v1", width=0.1), nn.Conv2d)
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
