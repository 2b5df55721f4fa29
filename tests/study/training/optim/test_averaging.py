"""Averaged weights: torch's own average, evaluated by, kept in states, resumed bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from study.training.optim.averaging import AveragedWeights, evaluated_weights
from study.training.recipe.recipe import Recipe, parse_recipe
from study.training.recipe.recipe_paths import flatten
from study.training.recipe.sections import Ema

from ..conftest import Memory, timeless, trained


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(144, 5))


def updates(model: nn.Module, count: int) -> Iterator[None]:
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(count):
        model(torch.randn(6, 3, 8, 8)).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        yield


@pytest.mark.parametrize("decay", [0.5, 0.999])
def test_the_average_is_torchs_own(network: nn.Module, decay: float) -> None:
    ours = AveragedWeights(network, Ema(decay=decay))
    theirs = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    for _ in updates(network, 8):
        ours.update()
        theirs.update_parameters(network)
    expected = theirs.module.state_dict()
    for name, tensor in ours.model.state_dict().items():
        if tensor.is_floating_point():
            assert torch.equal(tensor, expected[name]), name
    assert int(ours.model[1].num_batches_tracked) == 8
    assert not any(parameter.requires_grad for parameter in ours.model.parameters())


def test_it_is_the_mean_that_its_definition_says(network: nn.Module) -> None:
    average = AveragedWeights(network, Ema(decay=0.9))
    expected = None
    for _ in updates(network, 5):
        average.update()
        newest = network[3].weight.detach().double()
        expected = newest if expected is None else 0.9 * expected + 0.1 * newest
    torch.testing.assert_close(average.model[3].weight.double(), expected, rtol=1e-5, atol=1e-7)


def test_nothing_is_averaged_unless_it_is_written(network: nn.Module) -> None:
    weights = evaluated_weights(network, None)
    assert weights.model is network
    assert weights.state_dict() == {}
    assert "ema.decay" not in flatten(Recipe())
    _, faults = parse_recipe({"ema": {"decay": 1.0}})
    assert str(faults[0]) == "ema.decay: must be less than 1; found 1.0"


@pytest.mark.parametrize(
    "model", [{"name": "mlp", "width": 0.1}, {"name": "small_cnn", "width": 0.25}]
)
def test_training_is_as_without_and_the_average_is_evaluated_and_resumed(
    tiny: Callable[..., Recipe], model: dict[str, Any]
) -> None:
    plain, _ = trained(tiny(model=model))
    whole = Memory()
    recipe = tiny(model=model, ema={"decay": 0.8})
    rows, outcome = trained(recipe, checkpoint=whole)
    assert [row["train_loss"] for row in rows] == [row["train_loss"] for row in plain]
    assert [row["val_loss"] for row in rows] != [row["val_loss"] for row in plain]
    parts = Memory(whole.kept, upto=1)
    rest, again = trained(recipe, checkpoint=parts, reported=1)
    assert timeless(rest) == timeless(rows[1:])
    assert again.summary["test_loss"] == outcome.summary["test_loss"]
    for name, tensor in whole.state(3)["ema"]["model"].items():
        assert torch.equal(tensor, parts.state(3)["ema"]["model"][name])
    assert "ema" not in _state(tiny(model=model))


def _state(recipe: Recipe) -> Any:
    memory = Memory()
    rows, _ = trained(recipe, checkpoint=memory)
    return memory.state(len(rows))


def test_a_decay_of_almost_nothing_evaluates_the_newest_weights(
    tiny: Callable[..., Recipe],
) -> None:
    plain, _ = trained(tiny())
    rows, _ = trained(tiny(ema={"decay": 1e-12}))
    assert [row["val_loss"] for row in rows] == pytest.approx([row["val_loss"] for row in plain])
