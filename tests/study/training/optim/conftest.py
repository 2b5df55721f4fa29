"""Optimizers and learning rates as a recipe's options give them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from study.training.optim.schedules import LearningRate
from study.training.recipe.recipe import Recipe

EPOCHS, STEPS = 6, 7
TOTAL = EPOCHS * STEPS
PEAK = 0.4


def spec(name: str, **options: Any) -> Any:
    return Recipe.model_validate({"optimizer": {"name": name, **options}}).optimizer


def small_model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))


def learning_rate(schedule: dict[str, Any], **over: Any) -> LearningRate:
    tree = {
        "schedule": schedule,
        "epochs": EPOCHS,
        "optimizer": {"name": "sgd", "lr": PEAK},
        **over,
    }
    return LearningRate(Recipe.model_validate(tree), STEPS)
