"""Each part of a model that a recipe names is a group of its own."""

from __future__ import annotations

import pytest
from torch import nn

from study.training.optim.optimizers import make_optimizer
from study.training.optim.param_groups import learning_rates
from study.training.runtime.failures import TrainingFailure

from .conftest import small_model, spec


def test_groups_are_chosen_by_the_longest_prefix_of_whole_name_parts() -> None:
    model = nn.ModuleDict(
        {
            "features": nn.ModuleDict({"1": nn.Linear(1, 1), "10": nn.Linear(1, 1)}),
            "fc": nn.Linear(1, 1),
        }
    )
    optimizer = make_optimizer(
        spec("sgd", lr=1.0, lr_factors={"features.": 0.1, "features.1": 0.2}), model
    )
    assert learning_rates(optimizer) == {"lr": 1.0, "lr.features.": 0.1, "lr.features.1": 0.2}
    members = {group["name"]: len(group["params"]) for group in optimizer.param_groups}
    assert members == {"": 2, "features.": 2, "features.1": 2}


def test_a_group_without_parameters_is_invalid() -> None:
    with pytest.raises(
        TrainingFailure, match=r"found head; its parameters begin with 0, 2"
    ) as caught:
        make_optimizer(spec("sgd", lr_factors={"head": 0.1}), small_model())
    assert caught.value.failure_class == "invalid"
