"""Each network has as many parameters as its source publishes, or as follows from its layers by
hand.
"""

from __future__ import annotations

import pytest
import torch

from study.training.models import build
from study.training.recipe.model import ModelSpec

CIFAR = (3, 32, 32)
MNIST = (1, 28, 28)
IMAGENET = (3, 224, 224)


def parameters(shape: tuple[int, int, int], classes: int, **options: object) -> int:
    with torch.device("meta"):
        network = build(ModelSpec.model_validate(options), shape, classes)
    return sum(tensor.numel() for tensor in network.parameters())


@pytest.mark.parametrize(
    ("options", "shape", "classes", "published"),
    [
        ({"name": "vgg16"}, CIFAR, 10, 33_646_666),
        ({"name": "resnet18"}, CIFAR, 10, 11_173_962),
        ({"name": "resnet50"}, CIFAR, 10, 23_520_842),
        ({"name": "resnet50"}, CIFAR, 100, 23_705_252),
        ({"name": "resnet110", "variant": "deepstudy"}, CIFAR, 10, 1_734_858),
        ({"name": "resnet18_two_stage", "variant": "keras"}, CIFAR, 10, 1_853_450),
        ({"name": "resnet18_two_stage", "variant": "julia"}, CIFAR, 10, 1_853_450),
        ({"name": "googlenet", "aux_heads": True}, CIFAR, 10, 15_958_702),
        (
            {"name": "mobilenet_v1", "variant": "twelve_blocks", "width": 0.1, "rho": 0.9997},
            CIFAR,
            100,
            71_004,
        ),
        ({"name": "mobilenet_v1"}, IMAGENET, 1000, 4_231_976),
        ({"name": "efficientnet_b0"}, IMAGENET, 10, 4_020_358),
        ({"name": "vit_b_16"}, IMAGENET, 10, 85_806_346),
        ({"name": "vit_b_16"}, IMAGENET, 100, 85_875_556),
        ({"name": "lenet"}, MNIST, 10, 431_080),
        ({"name": "mlp"}, MNIST, 10, 50_890),
        ({"name": "mlp", "width": 4.0}, MNIST, 10, 203_530),
        ({"name": "mlp", "variant": "linear"}, MNIST, 10, 50_890),
        ({"name": "whitened_cnn"}, CIFAR, 10, 1_972_792),
        ({"name": "knet_cnn"}, CIFAR, 10, 3_441_592),
        ({"name": "knet_cnn", "variant": "batch_norm"}, CIFAR, 10, 434_506),
    ],
    ids=lambda value: (
        "-".join(str(part) for part in value.values()) if isinstance(value, dict) else None
    ),
)
def test_parameters_are_as_many_as_published(
    options: dict[str, object], shape: tuple[int, int, int], classes: int, published: int
) -> None:
    assert parameters(shape, classes, **options) == published


def test_keras_counts_running_statistics_too() -> None:
    network = build(
        ModelSpec.model_validate({"name": "resnet18_two_stage", "variant": "keras"}), CIFAR, 10
    )
    statistics = sum(
        buffer.numel() for name, buffer in network.named_buffers() if "running" in name
    )
    assert sum(tensor.numel() for tensor in network.parameters()) + statistics == 1_857_418


def test_googlenet_holds_9_84_million_parameters_in_its_auxiliary_heads() -> None:
    auxiliary = parameters(CIFAR, 10, name="googlenet", aux_heads=True) - parameters(
        CIFAR, 10, name="googlenet"
    )
    assert auxiliary == 9_838_100
