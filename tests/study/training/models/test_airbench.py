"""The whitening layer decorrelates patches, is what a resumed training began with, and learns
nothing but its bias.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from study.training.models.airbench import Whitening, fit_whitening
from study.training.models.factory import build_model
from study.training.models.layers import ImageShape
from study.training.recipe.model import ModelSpec
from study.training.recipe.recipe import Recipe

from ..conftest import Memory, timeless, trained
from .conftest import CIFAR, count_parameters


@pytest.mark.parametrize(
    ("options", "shape", "classes", "published"),
    [
        ({"name": "whitened_cnn"}, CIFAR, 10, 1_972_792),
    ],
)
def test_parameters_are_as_many_as_published(
    options: dict[str, object], shape: ImageShape, classes: int, published: int
) -> None:
    assert count_parameters(shape, classes, **options) == published


def photos(count: int = 64) -> Tensor:
    """Images whose pixels and channels resemble their neighbours, as photographs' do."""
    torch.manual_seed(0)
    smooth = torch.nn.functional.avg_pool2d(torch.randn(count, 3, 36, 36), 5, stride=1)
    return smooth + 0.5 * smooth.flip(1)


def test_patches_come_out_uncorrelated_with_unit_variance_in_both_signs() -> None:
    layer = Whitening(3, 2)
    layer.fit(photos(), floor=0.0)
    with torch.no_grad():
        layer.bias.zero_()
        features = layer(photos()).permute(0, 2, 3, 1).reshape(-1, 24)
    assert torch.allclose(features[:, :12], -features[:, 12:])
    assert torch.allclose(features[:, :12].T.cov(), torch.eye(12), atol=1e-3)


def test_directions_without_variance_stay_small() -> None:
    layer = Whitening(3, 2)
    layer.fit(torch.ones(4, 3, 8, 8))
    assert layer.weight.isfinite().all()
    assert layer.weight.flatten(1).norm(dim=1).max() <= 5e-4**-0.5 + 1e-2


def test_only_its_bias_is_trained() -> None:
    network = build_model(ModelSpec(name="whitened_cnn", width=0.25), (3, 32, 32), 10)
    layer = next(layer for layer in network.modules() if isinstance(layer, Whitening))
    assert [name for name, parameter in layer.named_parameters() if parameter.requires_grad] == [
        "bias"
    ]


def test_a_network_without_such_a_layer_looks_at_nothing() -> None:
    def batches() -> object:
        pytest.fail("looked")
        yield

    fit_whitening(torch.nn.Linear(2, 2), batches())  # type: ignore[arg-type]


def test_a_resumed_training_keeps_the_kernels_it_began_with(tiny: Callable[..., Recipe]) -> None:
    recipe = tiny(
        model={"name": "whitened_cnn", "width": 0.1},
        data={"name": "synthetic", "train_images": 200},
    )
    whole = Memory()
    rows, _ = trained(recipe, checkpoint=whole)
    parts = Memory(whole.kept, upto=1)
    rest, _ = trained(recipe, checkpoint=parts, reported=1)
    assert timeless(rest) == timeless(rows[1:])
    first, last = whole.state(1)["model"], parts.state(len(rows))["model"]
    assert torch.equal(first["0.weight"], last["0.weight"])
    assert not torch.equal(first["0.bias"], last["0.bias"])
