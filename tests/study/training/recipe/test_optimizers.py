"""What a recipe may say of each optimizer: torch's own names and defaults."""

from __future__ import annotations

import inspect

import pytest
import torch

from study.training.recipe import optimizers
from study.training.recipe.recipe import parse_recipe

SAME_NAMES = [
    (optimizers.Sgd, torch.optim.SGD, ["momentum", "dampening", "nesterov"]),
    (optimizers.Adam, torch.optim.Adam, ["lr", "eps", "weight_decay", "amsgrad"]),
    (optimizers.AdamW, torch.optim.AdamW, ["lr", "eps", "weight_decay", "amsgrad"]),
    (optimizers.NAdam, torch.optim.NAdam, ["lr", "eps", "momentum_decay"]),
    (optimizers.RmsProp, torch.optim.RMSprop, ["lr", "alpha", "eps", "centered", "momentum"]),
    (optimizers.Adadelta, torch.optim.Adadelta, ["lr", "rho", "eps"]),
    (optimizers.Adagrad, torch.optim.Adagrad, ["lr", "lr_decay", "eps"]),
    (optimizers.Asgd, torch.optim.ASGD, ["lr", "lambd", "alpha", "t0"]),
]


@pytest.mark.parametrize(("ours", "theirs", "names"), SAME_NAMES)
def test_defaults_are_torchs(
    ours: type[optimizers.Optimizer], theirs: type[torch.optim.Optimizer], names: list[str]
) -> None:
    defaults = inspect.signature(theirs).parameters
    section = ours()
    assert {name: getattr(section, name) for name in names} == {
        name: defaults[name].default for name in names
    }


def test_nesterov_momentum_has_no_dampening() -> None:
    _, (fault,) = parse_recipe({"optimizer": {"name": "sgd", "nesterov": True, "dampening": 0.1}})
    assert str(fault) == "optimizer.dampening: must be 0 with nesterov; found 0.1"


def test_a_factor_names_the_beginning_of_parameters() -> None:
    _, (fault,) = parse_recipe({"optimizer": {"name": "sgd", "lr_factors": {"": 0.1}}})
    assert str(fault).startswith("optimizer.lr_factors: must name the beginning of parameters'")
