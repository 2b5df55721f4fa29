"""Spaces: asked by Optuna's own samplers, read back, enumerated, split into levels."""

from __future__ import annotations

import warnings
from typing import Any

import optuna
import pytest

from search_spaces.parse import parse_space
from search_spaces.space import Space
from search_spaces.values import as_param
from study.training.recipe import recipe as recipes
from study.training.recipe.recipe_paths import flatten

TREE: dict[str, Any] = {
    "model": {"norm": {"choice": ["none", "every_conv"]}},
    "optimizer": {
        "one_of": {
            "sgd": {"lr": {"log": [1e-3, 1]}, "momentum": {"uniform": [0, 0.99]}, "nesterov": True},
            "adam": {"lr": {"log": [1e-5, 1e-2]}},
        }
    },
    "schedule": {"one_of": {"constant": {}, "cosine": {"warmup_epochs": {"int": [0, 5]}}}},
    "accumulation": {"choice": [1, 2, 4]},
}
NESTED: dict[str, Any] = {
    "data": {
        "one_of": {
            "digits": {"augment": {"one_of": {"none": {}, "shift": {"pad": {"int": [1, 3]}}}}},
            "synthetic": {"batch_size": {"choice": [32, 64]}},
        }
    },
    "optimizer": {"one_of": {"sgd": {"nesterov": {"choice": [True, False]}}, "adam": {}}},
}


def space_of(tree: dict[str, Any]) -> Space:
    space, faults = parse_space(tree, {}, recipes)
    assert not faults, [str(fault) for fault in faults]
    return space


def tpe(seed: int) -> optuna.samplers.BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return optuna.samplers.TPESampler(
            multivariate=True, group=True, n_startup_trials=5, seed=seed
        )


@pytest.mark.parametrize("tree", [TREE, NESTED], ids=["flat", "nested"])
def test_tpe_samples_a_conditional_space_and_every_point_is_read_back(tree: dict[str, Any]) -> None:
    space = space_of(tree)
    study = optuna.create_study(direction="maximize", sampler=tpe(0))
    seen: set[frozenset[str]] = set()
    for number in range(30):
        trial = study.ask()
        values = space.ask(trial)
        seen.add(frozenset(trial.params))
        assert space.params_of(values) == trial.params
        assert space.values_of(trial.params) == values
        assert space.distributions(trial.params) == trial.distributions
        assert recipes.parse_recipe(recipes.merge({}, values))[1] == []
        study.tell(trial, float(number % 7))
    assert len(seen) > 1, "no branch but one was ever taken"


def test_params_carry_the_branch_and_values_do_not() -> None:
    space = space_of(TREE)
    assert [variable.name for variable in space.variables] == [
        "model.norm",
        "optimizer",
        "optimizer.sgd.lr",
        "optimizer.sgd.momentum",
        "optimizer.adam.lr",
        "schedule",
        "schedule.cosine.warmup_epochs",
        "accumulation",
    ]
    assert space.paths() == (
        "model.norm",
        "optimizer.name",
        "optimizer.lr",
        "optimizer.momentum",
        "optimizer.nesterov",
        "schedule.name",
        "schedule.warmup_epochs",
        "accumulation",
    )


def test_values_outside_the_space_have_no_params() -> None:
    space = space_of(TREE)
    inside: dict[str, Any] = {
        "model.norm": "none",
        "optimizer.name": "sgd",
        "optimizer.lr": 0.1,
        "optimizer.momentum": 0.9,
        "optimizer.nesterov": True,
        "schedule.name": "constant",
        "accumulation": 1,
        "epochs": 100,
    }
    assert space.params_of(inside) is not None
    for path, outside in [
        ("optimizer.lr", 2.0),
        ("optimizer.nesterov", False),
        ("optimizer.name", "rprop"),
    ]:
        assert space.params_of(inside | {path: outside}) is None
    assert (
        space.params_of({path: value for path, value in inside.items() if path != "accumulation"})
        is None
    )


def test_a_grid_holds_every_point_of_every_branch_once() -> None:
    space = space_of(NESTED)
    points = space.grid()
    assert len(points) == space.grid_size() == (1 + 3 + 2) * (2 + 1)
    assert (
        len(
            {
                tuple(sorted((path, as_param(value)) for path, value in point.items()))
                for point in points
            }
        )
        == 18
    )
    assert all(space.params_of(point) is not None for point in points)


def test_a_space_with_a_continuous_distribution_has_no_grid() -> None:
    assert space_of(TREE).grid_size() is None
    with pytest.raises(ValueError, match="give it a step"):
        space_of(TREE).grid()


def test_the_size_of_a_huge_grid_is_known_without_enumerating_it() -> None:
    axes = {"pad": {"int": [1, 64]}, "fill": {"choice": ["zero", "reflect"]}}
    tree = {
        "epochs": {"int": [1, 10**9]},
        "data": {"augment": {"one_of": {"none": {}, "crop_flip": axes}}},
    }
    assert space_of(tree).grid_size() == 10**9 * (1 + 128)


def test_levels_are_all_combinations_of_the_factors() -> None:
    levels = space_of(TREE).levels(["model.norm", "optimizer.name"])
    assert levels == [
        {"model.norm": norm, "optimizer.name": name}
        for norm in ("none", "every_conv")
        for name in ("sgd", "adam")
    ]


def test_levels_of_a_factor_inside_a_branch_exist_only_there() -> None:
    levels = space_of(NESTED).levels(["optimizer.name", "optimizer.nesterov"])
    assert levels == [
        {"optimizer.name": "sgd", "optimizer.nesterov": True},
        {"optimizer.name": "sgd", "optimizer.nesterov": False},
        {"optimizer.name": "adam"},
    ]


def test_fixing_a_branch_keeps_its_own_variables_and_drops_the_others() -> None:
    space = space_of(TREE).fix({"optimizer.name": "sgd", "model.norm": "none"})
    names = [variable.name for variable in space.variables]
    assert "optimizer.sgd.lr" in names
    assert not {"optimizer", "model.norm", "optimizer.adam.lr"} & set(names)
    values = space.complete({})
    assert values["optimizer.name"] == "sgd"
    assert space.params_of(values) is not None
    assert space.params_of(values | {"optimizer.name": "adam"}) is None


@pytest.mark.parametrize("tree", [TREE, NESTED], ids=["flat", "nested"])
def test_params_are_completed_by_first_values_as_if_those_were_given(tree: dict[str, Any]) -> None:
    space = space_of(tree)
    first = {variable.name: variable.distribution.first for variable in space.variables}
    assert space.complete({}) == space.values_of(first)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(30):
        trial = study.ask()
        values = space.ask(trial)
        assert space.complete(trial.params) == values
        for name, param in trial.params.items():
            assert space.complete({name: param}) == space.values_of({**first, name: param})


def test_a_path_leaves_the_space_in_every_branch() -> None:
    space = space_of(TREE).without("optimizer.lr")
    assert "optimizer.lr" not in space.paths()
    assert space_of(TREE).without("optimizer").paths() == (
        "model.norm",
        "schedule.name",
        "schedule.warmup_epochs",
        "accumulation",
    )


@pytest.mark.parametrize("tree", [TREE, NESTED], ids=["flat", "nested"])
def test_a_space_written_out_is_read_back_equal(tree: dict[str, Any]) -> None:
    space = space_of(tree)
    assert space_of(space.tree()) == space


def test_choices_that_are_lists_reach_the_recipe_as_lists() -> None:
    tree = {"schedule": {"one_of": {"multistep": {"milestones": {"choice": [[2, 4], [3, 6]]}}}}}
    space = space_of(tree)
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0)).ask()
    values = space.ask(trial)
    assert values["schedule.milestones"] in ([2, 4], [3, 6])
    assert trial.params["schedule.multistep.milestones"] in ("[2, 4]", "[3, 6]")
    assert space.values_of(trial.params) == values
    kept = flatten(recipes.parse_recipe(recipes.merge({}, values))[0] or recipes.Recipe())
    assert space.params_of(kept) == trial.params


def test_a_field_that_holds_a_mapping_may_be_a_constant_or_a_choice_of_mappings() -> None:
    tree = {
        "optimizer": {
            "one_of": {
                "sgd": {"lr_factors": {"features": 0.1}},
                "adam": {"lr_factors": {"choice": [{}]}},
            }
        }
    }
    space = space_of(tree)
    assert space.complete({"optimizer": "sgd"})["optimizer.lr_factors"] == {"features": 0.1}
    assert space_of(space.tree()) == space


def test_the_same_space_in_short_and_long_words_is_one() -> None:
    short = {
        "optimizer": {"choice": ["sgd", "adam"]},
        "model.norm": {"choice": ["none", "every_conv"]},
    }
    long = {
        "optimizer": {"one_of": {"sgd": {}, "adam": {}}},
        "model": {"norm": {"choice": ["none", "every_conv"]}},
    }
    assert space_of(short) == space_of(long)


def test_rows_say_where_each_variable_exists() -> None:
    row = next(row for row in space_of(TREE).rows() if row["path"] == "schedule.warmup_epochs")
    assert row == {
        "path": "schedule.warmup_epochs",
        "values": "[0, 5]",
        "when": "schedule = cosine",
    }
