"""What the command line sets wins over the file, and what it overrides leaves the space."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from study.spec.load import load_spec, spec_from_tree
from study.spec.sections import Objective

from .studies import small


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
