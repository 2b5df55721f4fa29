"""The configs of an own training: nested plain data, of which the file says what there is."""

from __future__ import annotations

from typing import Any

import pytest

from search_spaces.random_trial import RandomTrial
from study.errors import SpecError
from study.spec.load import added_values, load_spec, spec_from_tree
from study.spec.spec import StudySpec

from ..own_studies import own

SGD = {"lr": 0.01, "optimizer.name": "sgd", "optimizer.momentum": 0.9}


def config_of(spec: StudySpec, values: dict[str, Any]) -> dict[str, Any]:
    return spec.training(values).tree(seed=3)


def test_a_branch_becomes_a_mapping_with_its_name_and_its_own_values() -> None:
    spec = spec_from_tree(own())
    assert config_of(spec, SGD) == {
        "epochs": 4,
        "width": 32,
        "state": "warm",
        "lr": 0.01,
        "optimizer": {"name": "sgd", "momentum": 0.9},
    }
    assert config_of(spec, {"lr": 0.1, "optimizer.name": "adam"})["optimizer"] == {"name": "adam"}


def test_another_branch_drops_what_the_recipe_wrote_for_its_own() -> None:
    recipe = {"optimizer": {"name": "sgd", "momentum": 0.5}, "data": {"name": "a", "size": 3}}
    spec = spec_from_tree(own(recipe=recipe))
    assert config_of(spec, {"optimizer.name": "adam"})["optimizer"] == {"name": "adam"}
    assert config_of(spec, {"data.name": "b"})["data"] == {"name": "b", "size": 3}


def test_a_spec_reads_back_equal_from_what_it_writes() -> None:
    spec = spec_from_tree(own(max_epochs=7, epoch_cost="segment:cost", reproducible=True))
    assert spec_from_tree(spec.tree()) == spec
    assert spec_from_tree(spec.tree()).hash() == spec.hash()


@pytest.mark.parametrize("sampler", ["random", "tpe", "qmc"])
def test_every_point_of_a_space_can_be_read_back(sampler: str) -> None:
    spec = spec_from_tree(own(sampler=sampler))
    trial = RandomTrial(0)
    for _ in range(50):
        values = spec.space.ask(trial)
        assert spec.params_of(values) is not None


def test_lists_and_mappings_are_values_too() -> None:
    space = {"sizes": {"choice": [[1, 2], [3]]}, "aug": {"choice": [{"flip": True}, {}]}}
    spec = spec_from_tree(own(space=space))
    values = {"sizes": [3], "aug": {"flip": True}}
    assert config_of(spec, values)["aug"] == {"flip": True}
    assert spec.params_of(values) == {"sizes": "[3]", "aug": '{"flip": true}'}
    columns = spec.training(values).columns()
    assert (columns["sizes"], columns["aug"]) == ("[3]", '{"flip": true}')


def test_a_leaf_by_the_name_of_a_fixed_column_has_a_column_of_its_own() -> None:
    columns = spec_from_tree(own(recipe={"state": 1, "seed": 2, "width": 3})).training({}).columns()
    assert columns == {"config.state": 1, "config.seed": 2, "width": 3}


def test_a_seed_is_a_value_like_any_other() -> None:
    spec = spec_from_tree(own(recipe={}, space={"seed": {"int": [0, 9]}}))
    assert config_of(spec, {"seed": 4}) == {"seed": 4}


def test_what_is_set_on_the_command_line_wins_and_leaves_the_space(tmp_path: Any) -> None:
    file = tmp_path / "iou.yaml"
    file.write_text(spec_from_tree(own()).yaml())
    spec = load_spec(file, sets=["recipe.width=64", "recipe.optimizer=adam"])
    assert spec.space.paths() == ("lr", "optimizer.name")
    assert config_of(spec, {"lr": 0.1})["width"] == 64
    assert config_of(spec, {"lr": 0.1})["optimizer"] == {"name": "adam"}
    assert spec.unlisted == ()
    unlisted = load_spec(file, sets=["recipe.widht=64"]).unlisted
    assert unlisted == (("overrides", "widht"),)


def test_rules_speak_of_every_leaf_that_the_file_has() -> None:
    spec = spec_from_tree(own(require=["lr * width <= 1", "optimizer.momentum < 0.95"]))
    assert spec.allows({"lr": 0.01, "optimizer.name": "adam"})
    assert not spec.allows({"lr": 0.1, "optimizer.name": "adam"})
    with pytest.raises(SpecError, match=r"must name values of the recipe; found 'widht'"):
        spec_from_tree(own(require=["widht < 3"]))


@pytest.mark.parametrize(
    ("recipe", "max_epochs", "length"),
    [({"epochs": 4}, 9, 4), ({}, 9, 9), ({}, None, None), ({"epochs": "many"}, None, None)],
)
def test_epochs_in_the_config_are_the_length_else_max_epochs(
    recipe: dict[str, Any], max_epochs: int | None, length: int | None
) -> None:
    spec = spec_from_tree(own(recipe=recipe, max_epochs=max_epochs))
    assert spec.training(SGD).length == length


@pytest.mark.parametrize(
    ("sets", "fault"),
    [
        (["lr=0.1", "optimizer=adam", "width=64"], ""),
        (["lr=0.1"], "must set optimizer.name"),
        (["lr=0.1", "optimizer=adam", "widht=3"], "did you mean width?"),
    ],
)
def test_a_point_that_is_added_has_the_values_of_the_others(sets: list[str], fault: str) -> None:
    spec = spec_from_tree(own())
    if not fault:
        values, is_in_space = added_values(spec, sets)
        assert values["optimizer.name"] == "adam"
        assert not is_in_space
        return
    with pytest.raises(SpecError) as caught:
        added_values(spec, sets)
    assert fault in str(caught.value)


def test_a_mapping_in_another_tools_words_is_no_section() -> None:
    with pytest.raises(SpecError, match=r"space.lr: must be a distribution.*did you mean log"):
        spec_from_tree(own(space={"lr": {"min": 1e-4, "max": 1e-1}}))
