"""The nominal cost is a function of the recipe: counted once, never measured."""

from __future__ import annotations

import pytest
import torch

from study.training.cost import UNKNOWN_COST, nominal_cost
from study.training.recipe.recipe import Recipe


def cost(**tree: object) -> float:
    return nominal_cost(Recipe.model_validate(tree))


def test_the_cost_of_a_linear_network_is_that_of_its_products() -> None:
    # 64 -> 64 x width -> 10: forward one product, backward two but for the first layer's input
    model = {"name": "mlp", "depth": 1, "width": 1.0}
    from study.training.models.factory import build_model

    network = build_model(Recipe.model_validate({"model": model}).model, (1, 8, 8), 10)
    first, last = (m for m in network.modules() if isinstance(m, torch.nn.Linear))
    one, two = (2 * m.in_features * m.out_features for m in (first, last))
    trained, validated = 1437 - 144, 144
    assert cost(model=model) == trained * (2 * one + 3 * two) + validated * (one + two)


def test_the_cost_follows_images_precision_and_size() -> None:
    base = {
        "model": {"name": "small_cnn", "width": 0.5},
        "data": {"name": "cifar10", "train_images": 1000},
    }
    whole = cost(**base)
    assert cost(**{**base, "precision": "bf16"}) == whole / 2
    assert cost(**{**base, "data": {"name": "cifar10", "train_images": 2000}}) == 2 * whole
    assert (
        cost(**{**base, "data": {"name": "cifar10", "train_images": 1000, "image_size": 64}})
        > 3.5 * whole
    )


def test_the_cost_does_not_see_what_costs_nothing() -> None:
    assert cost(seed=1, epochs=3, optimizer="sgd", accumulation=4) == cost()
    assert cost(
        model={"name": "vit_b_16", "pretrained": True}, data={"name": "cifar10", "image_size": 224}
    ) == cost(model="vit_b_16", data={"name": "cifar10", "image_size": 224})


@pytest.mark.parametrize("tree", [{"data": "some.where:images"}, {"model": "some.where:network"}])
def test_what_cannot_be_counted_has_a_constant_cost(tree: dict[str, object]) -> None:
    assert cost(**tree) == UNKNOWN_COST


def test_counting_leaves_the_random_state_alone() -> None:
    before = torch.get_rng_state()
    cost(model={"name": "lenet"}, data="cifar10")
    assert torch.equal(torch.get_rng_state(), before)
