"""The rates that an optimizer is given before each update."""

from __future__ import annotations

import pytest
import torch
from torch.optim import lr_scheduler as theirs

from study.training.optim.optimizers import make_optimizer
from study.training.optim.schedules import LearningRate
from study.training.recipe.recipe import Recipe

from .conftest import PEAK, TOTAL, learning_rate


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_onecycle_moves_momentum_as_torch_does(name: str) -> None:
    kind = {"name": name, "lr": PEAK, **({"momentum": 0.9} if name == "sgd" else {})}
    rate = learning_rate({"name": "onecycle", "cycle_momentum": True}, optimizer=kind)
    model = torch.nn.Linear(1, 1)
    mine = make_optimizer(Recipe.model_validate({"optimizer": kind}).optimizer, model)
    reference = make_optimizer(Recipe.model_validate({"optimizer": kind}).optimizer, model)
    scheduler = theirs.OneCycleLR(reference, PEAK, total_steps=TOTAL)
    for step in range(TOTAL):
        rate.set(mine, step)
        for key in ("lr", "momentum", "betas"):
            if key in mine.param_groups[0]:
                assert mine.param_groups[0][key] == pytest.approx(
                    reference.param_groups[0][key], rel=1e-9
                )
        reference.step()
        if step < TOTAL - 1:
            scheduler.step()


def test_each_group_keeps_its_factor_under_a_schedule() -> None:
    spec = {"name": "sgd", "lr": 0.1, "lr_factors": {"0": 0.1, "1.0": 3.0}}
    recipe = Recipe.model_validate({"optimizer": spec, "schedule": "cosine", "epochs": 1})
    model = torch.nn.Sequential(
        torch.nn.Linear(1, 1), torch.nn.Sequential(torch.nn.Linear(1, 1)), torch.nn.Linear(1, 1)
    )
    optimizer = make_optimizer(recipe.optimizer, model)
    LearningRate(recipe, 2).set(optimizer, 1)
    rates = {group["name"]: group["lr"] for group in optimizer.param_groups}
    assert rates == pytest.approx({"": 0.05, "0": 0.005, "1.0": 0.15})
