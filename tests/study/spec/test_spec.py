"""A spec: what is read from a file, what the command line lays over it, and what comes out of it
for a trial.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.errors import SpecError
from study.spec.load import load_spec, shipped_studies, spec_from_tree
from study.spec.sections import Objective, Resources, Retries, TrialLimits
from study.spec.spec import StudySpec

from .studies import small


def test_every_key_of_the_grammar_is_read(example: Path) -> None:
    spec = load_spec(example)
    assert spec.objectives == (Objective(metric="val_accuracy", direction="maximize", at="last"),)
    assert spec.resources == Resources(cpus=2.0, gpus=0.25)
    assert spec.trial == TrialLimits(
        hours=2.0, heartbeat_s=300.0, retries=Retries(node=10, error=0, out_of_memory=1)
    )
    assert (spec.sampler.name, spec.sampler.seed, dict(spec.sampler.options)) == ("tpe", 0, {})
    assert (spec.pruner.name, dict(spec.pruner.options)) == (
        "asha",
        {"min_epochs": 3, "reduction": 3},
    )
    assert (spec.replicates, spec.concurrency, spec.stop.wall_hours) == (2, 4, 12.0)
    assert spec.racing is not None
    assert spec.racing.threshold == 0.05
    assert spec.confirm is not None
    assert (spec.confirm.top, spec.confirm.replicates, spec.confirm.against) == (3, 5, 0)
    assert spec.warm_start == ("googlenet-lr",)
    assert spec.first[0].published[1]["label"] == "100"


@pytest.mark.parametrize("name", shipped_studies())
def test_a_shipped_study_is_valid_and_reads_back_equal(name: str, tmp_path: Path) -> None:
    spec = load_spec(name)
    assert spec_from_tree(spec.tree()) == spec
    file = tmp_path / "study.yaml"
    file.write_text(spec.yaml())
    again = load_spec(file)
    assert again == spec
    assert again.hash() == spec.hash()
    assert again.differences(spec) == []


def test_a_spec_written_with_overrides_reads_back_equal(example: Path, tmp_path: Path) -> None:
    spec = load_spec(
        example, sets=["recipe.epochs=3", "recipe.optimizer.lr=0.5", "recipe.schedule=constant"]
    )
    file = tmp_path / "study.yaml"
    file.write_text(spec.yaml())
    assert load_spec(file) == spec


def test_what_is_left_out_has_its_default() -> None:
    spec = spec_from_tree(small())
    assert (spec.replicates, spec.concurrency, spec.pruner.name, spec.keep_checkpoints) == (
        1,
        None,
        "none",
        "best",
    )
    assert spec.objectives == (Objective(metric="val_accuracy", direction="maximize"),)


def test_a_mapping_that_holds_only_a_name_may_be_written_as_the_name() -> None:
    short = spec_from_tree(
        small(sampler="random", pruner="median", objective="val_loss", recipe={"model": "mlp"})
    )
    full = {
        "sampler": {"name": "random"},
        "pruner": {"name": "median"},
        "recipe": {"model": {"name": "mlp"}},
    }
    assert short == spec_from_tree(
        small(objective={"metric": "val_loss", "direction": "minimize"}, **full)
    )


def test_the_options_of_a_pruner_are_complete_and_those_of_a_sampler_as_written() -> None:
    spec = spec_from_tree(small(sampler={"name": "tpe", "n_startup_trials": 5}, pruner="hyperband"))
    assert dict(spec.pruner.options) == {"min_epochs": 1, "reduction": 3}
    assert dict(spec.sampler.options) == {"n_startup_trials": 5}


def test_a_sampler_of_the_users_own_takes_any_options() -> None:
    spec = spec_from_tree(small(sampler={"name": "my.package:sampler", "seed": 3, "depth": 2}))
    assert (spec.sampler.name, spec.sampler.seed, dict(spec.sampler.options)) == (
        "my.package:sampler",
        3,
        {"depth": 2},
    )


# -- recipes ---------------------------------------------------------------------------


def test_a_points_recipe_is_the_fixed_one_with_its_values_and_its_seed(example: Path) -> None:
    spec = load_spec(example)
    recipe = spec.recipe(
        {"optimizer.name": "sgd", "optimizer.lr": 0.5, "optimizer.nesterov": True}, seed=7
    )
    assert (recipe.model.name, recipe.epochs, recipe.seed) == ("googlenet", 30, 7)
    assert (recipe.optimizer.name, recipe.optimizer.lr) == ("sgd", 0.5)


def test_a_retrys_substitutions_win_over_all_else(example: Path) -> None:
    spec = load_spec(example, sets=["recipe.accumulation=2"])
    assert spec.recipe({}, 0).accumulation == 2
    assert spec.recipe({}, 0, {"accumulation": 4}).accumulation == 4


def test_values_that_make_no_recipe_are_an_error(example: Path) -> None:
    with pytest.raises(SpecError, match="accumulation: must divide"):
        load_spec(example).recipe({"accumulation": 3}, seed=0)


def test_an_entry_of_first_has_its_own_values_and_the_recipes_for_the_rest() -> None:
    space = {"optimizer": {"lr": {"log": [1e-3, 1]}}, "precision": {"choice": ["fp32", "bf16"]}}
    spec = spec_from_tree(
        small(space=space, first=[{"set": {"optimizer.lr": 0.1}}], recipe={"precision": "bf16"})
    )
    assert spec.first_values(0) == {"optimizer.lr": 0.1, "precision": "bf16"}
    assert spec.first_params(0) == {"optimizer.lr": 0.1, "precision": "bf16"}


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer.lr": 2.0},
        {"optimizer.lr": 0.1, "epochs": 101},
        {"optimizer.lr": 0.1, "optimizer.weight_decay": 0.5},
        {"optimizer": {"name": "sgd", "lr": 0.1}},
    ],
)
def test_an_entry_that_no_sample_could_equal_has_no_params(values: dict[str, Any]) -> None:
    spec = spec_from_tree(small(first=[{"set": values}], recipe={"optimizer": "adamw"}))
    assert spec.first_params(0) is None


# -- as a file --------------------------------------------------------------------------


def test_a_spec_tells_its_differences_by_path() -> None:
    spec = spec_from_tree(small())
    other = spec_from_tree(
        small(points=6, space={"optimizer": {"lr": {"log": [1e-2, 1]}}}, recipe={"epochs": 3})
    )
    assert spec.differences(other) == [
        "points: 4 -> 6",
        "space.optimizer.lr.log: [0.001, 1.0] -> [0.01, 1.0]",
        "recipe.epochs: nothing -> 3",
    ]
    assert spec.hash() != other.hash()


def test_the_hash_depends_on_what_is_written_and_not_on_how() -> None:
    plain = spec_from_tree(small(recipe={"model": "mlp", "epochs": 3}))
    other = spec_from_tree(small(recipe={"epochs": 3, "model.name": "mlp"}))
    assert plain.hash() == other.hash()
    assert replace(plain, notes=("x",)).hash() == plain.hash()


def test_a_spec_can_be_built_in_python_and_says_where_it_fails() -> None:
    assert isinstance(spec_from_tree(small(warm_start=("a", "b"))), StudySpec)
    with pytest.raises(SpecError, match=r"^<python>:1: points: must be plain data"):
        spec_from_tree(small(points=object()))


def test_a_spec_remembers_only_its_last_recipes() -> None:
    spec = spec_from_tree(small())
    for number in range(1, 300):
        spec.recipe({"optimizer.lr": number / 1000}, 0)
    assert len(spec._trainings) == 256
    assert spec.recipe({"optimizer.lr": 0.001}, 3).seed == 3
