"""A spec: what is read from a file, what the command line lays over it, and what comes out of it
for a trial.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from study.errors import SpecError
from study.spec.cross_checks import default_reproducible
from study.spec.load import load_spec, shipped_studies, spec_from_tree
from study.spec.sections import Objective, Resources, Retries, TrialLimits
from study.spec.spec import StudySpec

EXAMPLE = textwrap.dedent("""\
    study: googlenet-norm-lr
    question: What do batch-norm placement and optimizer do to GoogLeNet's accuracy in 30 epochs?
    objective: {metric: val_accuracy, direction: maximize}
    points: 40
    replicates: 2
    concurrency: 4
    resources: {cpus: 2, gpus: 0.25}
    sampler: {name: tpe, seed: 0}
    pruner: {name: asha, min_epochs: 3, reduction: 3}
    stop: {wall_hours: 12}
    trial: {hours: 2, heartbeat_s: 300, retries: {node: 10, error: 0, out_of_memory: 1}}
    keep_checkpoints: best
    reproducible: true
    recipe:
      model: {name: googlenet}
      data: {name: cifar10, batch_size: 128, validation: {fraction: 0.1}}
      epochs: 30
    space:
      model: {norm: {choice: [none, every_conv, every_conv_and_block]}}
      optimizer:
        one_of:
          sgd:  {lr: {log: [1e-3, 1]}, momentum: {uniform: [0, 0.99]}, nesterov: true}
          adam: {lr: {log: [1e-5, 1e-2]}}
      schedule: {one_of: {constant: {}, cosine: {warmup_epochs: {int: [0, 5]}}}}
      precision: {choice: [fp32, bf16]}
      accumulation: {choice: [1, 2, 4]}
    roles: {scientific: [model.norm, optimizer.name], nuisance: [optimizer.lr, optimizer.momentum, schedule]}
    mode: method-study
    racing: {threshold: 0.05}
    confirm: {top: 3, replicates: 5, against: first[0]}
    warm_start: [googlenet-lr]
    first:
      - set: {model.norm: none, optimizer: {name: adam, lr: 1e-3, weight_decay: 5e-4}, epochs: 101}
        published:
          - {epoch: 11, label: "10", test_accuracy: 0.4889, seconds: 1054}
          - {epoch: 101, label: "100", test_accuracy: 0.7562, seconds: 9649}
    """)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    file = tmp_path / "example.yaml"
    file.write_text(EXAMPLE)
    return file


def small(**keys: Any) -> dict[str, Any]:
    """The tree of a small study with other keys laid over it."""
    return {"study": "s", "points": 4, "space": {"optimizer": {"lr": {"log": [1e-3, 1]}}}} | keys


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


# -- --set -----------------------------------------------------------------------------


def test_a_set_recipe_value_wins_over_first_and_space_and_its_path_leaves_the_space(
    example: Path,
) -> None:
    spec = load_spec(example, sets=["recipe.epochs=2", "recipe.optimizer.lr=0.01"])
    assert spec.overrides == {"epochs": 2, "optimizer.lr": 0.01}
    assert "optimizer.lr" not in spec.space.paths()
    assert spec.recipe(spec.first_values(0), 0).epochs == 2
    assert spec.recipe({"optimizer.name": "sgd"}, 0).optimizer.lr == 0.01
    assert "optimizer.lr" not in spec.roles.nuisance


def test_a_branch_that_is_set_keeps_its_own_variables() -> None:
    space = {
        "optimizer": {
            "one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}, "adam": {"lr": {"log": [1e-5, 1e-2]}}}
        }
    }
    spec = spec_from_tree(small(space=space, overrides={"optimizer": "adam"}))
    assert [variable.name for variable in spec.space.variables] == ["optimizer.adam.lr"]
    assert spec_from_tree(spec.tree()) == spec


def test_a_branch_that_is_set_to_a_name_outside_the_space_takes_all_branches_out_of_it() -> None:
    space = {
        "optimizer": {"one_of": {"sgd": {"lr": {"log": [1e-3, 1]}}, "adam": {}}},
        "precision": {"choice": ["fp32", "bf16"]},
    }
    spec = spec_from_tree(small(space=space, overrides={"optimizer.name": "rmsprop"}))
    assert spec.space.paths() == ("precision",)


@pytest.mark.parametrize(
    ("option", "field", "value"),
    [
        ("points=12", "points", 12),
        ("sampler.seed=3", "sampler.seed", 3),
        ("sampler=random", "sampler.name", "random"),
        ("stop.wall_hours=1e-1", "stop.wall_hours", 0.1),
        ("study=other", "study", "other"),
        (
            "objective.at=best",
            "objectives",
            (Objective(metric="val_accuracy", direction="maximize", at="best"),),
        ),
        ("concurrency=", "concurrency", None),
        ("first[0].set.epochs=30", "first_values", 30),
    ],
)
def test_any_key_can_be_set(example: Path, option: str, field: str, value: object) -> None:
    spec = load_spec(example, sets=[option])
    found: Any = spec
    for part in field.split("."):
        found = getattr(found, part)
    assert (found(0)["epochs"] if callable(found) else found) == value


def test_a_short_form_is_opened_where_something_below_it_is_set(tmp_path: Path) -> None:
    file = tmp_path / "f.yaml"
    file.write_text("study: s\npoints: 4\nsampler: random\nspace: {epochs: {int: [1, 4]}}\n")
    spec = load_spec(file, sets=["sampler.seed=3"])
    assert (spec.sampler.name, spec.sampler.seed) == ("random", 3)


def test_name_and_points_are_set_by_the_command_line(example: Path) -> None:
    spec = load_spec(example, name="other", points=12)
    assert (spec.study, spec.points) == ("other", 12)


# -- points and levels -----------------------------------------------------------------


def test_a_grid_has_its_own_number_of_points() -> None:
    space = {"epochs": {"int": [1, 3]}, "precision": {"choice": ["fp32", "bf16"]}}
    first = [{"set": {"epochs": 2, "precision": "bf16"}}, {"set": {"epochs": 9}}]
    tree = {"study": "s", "sampler": "grid", "space": space}
    assert spec_from_tree(tree).points == 6
    assert spec_from_tree(tree | {"first": first}).points == 7
    limited = spec_from_tree(tree | {"points": 50})
    assert limited.points == 6
    assert limited.notes == (
        "points: 6 of the 50 are used, since there are no more with sampler grid",
    )
    assert spec_from_tree(tree | {"points": 4}).points == 4


def test_a_list_of_points_has_as_many_as_entries() -> None:
    tree = {
        "study": "s",
        "sampler": "first-only",
        "first": [{"set": {"epochs": 1}}, {"set": {"epochs": 2}}],
    }
    assert spec_from_tree(tree).points == 2
    assert spec_from_tree(tree | {"points": 1}).points == 1


def test_a_method_study_gives_every_level_the_same_number_of_points(example: Path) -> None:
    spec = load_spec(example)
    assert len(spec.levels()) == 6
    assert spec.points == 36
    assert spec.notes == ("points: 36 of the 40 are used, so that each level has equally many",)
    assert spec.level_of(spec.first_values(0)) == 1


def test_entries_in_no_level_come_on_top_of_the_levels_budgets() -> None:
    roles = {"scientific": ["precision"]}
    space = {"optimizer": {"lr": {"log": [1e-3, 1]}}, "precision": {"choice": ["fp32", "bf16"]}}
    first = [{"set": {"precision": "fp16"}}, {"set": {"precision": "bf16"}}]
    spec = spec_from_tree(
        small(points=6, roles=roles, mode="method-study", space=space, first=first)
    )
    assert spec.level_of(spec.first_values(0)) is None
    assert spec.points == 5


# -- reproducible ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "timed",
    [
        {"objective": [{"metric": "val_accuracy"}, {"metric": "total_seconds"}]},
        {"recipe": {"seconds": 60}},
        {"space": {"seconds": {"uniform": [1, 2]}}},
        {"first": [{"set": {"seconds": 5}}]},
        {"overrides": {"seconds": 5}},
    ],
)
def test_what_is_decided_by_measured_time_is_not_reproducible_by_default(
    timed: dict[str, Any],
) -> None:
    assert spec_from_tree(small()).reproducible is True
    assert spec_from_tree(small(**timed)).reproducible is False
    with pytest.raises(SpecError, match="reproducible: true"):
        spec_from_tree(small(reproducible=True, **timed))


def test_budgets_in_hours_keep_a_study_reproducible() -> None:
    spec = spec_from_tree(small(stop={"wall_hours": 1}, trial={"hours": 1}, reproducible=True))
    assert default_reproducible(spec)


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


def test_an_overridden_name_leaves_what_the_space_varies_beside_it() -> None:
    tree = {
        "study": "s",
        "points": 2,
        "recipe": {"data": {"name": "synthetic"}},
        "space": {"data": {"batch_size": {"choice": [32, 128]}}},
    }
    spec = spec_from_tree({**tree, "overrides": {"data.name": "digits"}})
    for size in (32, 128):
        recipe = spec.recipe({"data.batch_size": size}, 0)
        assert (recipe.data.name, recipe.data.batch_size) == ("digits", size)
