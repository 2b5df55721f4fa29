"""Augmentations of a recipe: one, or a list of them in their order."""

from __future__ import annotations

from typing import Any

import pytest

from study.spec.load import spec_from_tree
from study.training.recipe.augmentations import Flip, MixUp, RandAugment, augmentations, of_batches
from study.training.recipe.defaults import current_defaults, with_defaults
from study.training.recipe.recipe import Recipe, parse_recipe
from study.training.recipe.recipe_paths import flatten

LIST = ["flip", {"name": "randaugment", "magnitude": 3}, "none", "mixup"]


def test_a_list_is_read_in_its_order_and_written_back_short() -> None:
    recipe = Recipe.model_validate({"data": {"augment": LIST}})
    assert augmentations(recipe.data.augment) == (Flip(), RandAugment(magnitude=3))
    assert of_batches(recipe.data.augment) == (MixUp(),)
    column = '["flip", {"magnitude": 3, "name": "randaugment"}, "none", "mixup"]'
    assert flatten(recipe)["data.augment"] == column
    assert Recipe.model_validate(recipe.model_dump(mode="json")) == recipe
    assert "data.augment" not in flatten(Recipe.model_validate({"data.augment": "flip"}))


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        (["flip", {"name": "shift", "pid": 1}], "data.augment[1].pid: must be a known key"),
        (["mixup", "flip"], "data.augment[0]: must stand behind what changes images one by one"),
        (["flip"] * 17, "data.augment: must have at most 16 entries; found 17"),
        ([3], "data.augment[0]: must be a name or a mapping with a name; found 3"),
        ({"name": "shift", "pad": 0}, "data.augment.pad: must be at least 1; found 0"),
        ({"name": "cutmix", "alpha": 0}, "data.augment.alpha: must be greater than 0; found 0"),
        (
            {"name": "random_erasing", "scale_min": 0.5},
            "data.augment.scale_min: must be at most scale_max, which is 0.33",
        ),
    ],
)
@pytest.mark.parametrize("key", ["nested", "dotted"])
def test_faults_of_a_list_are_at_their_entries(written: Any, fault: str, key: str) -> None:
    tree = {"data.augment": written} if key == "dotted" else {"data": {"augment": written}}
    _, faults = parse_recipe(tree)
    assert str(faults[0]).startswith(fault)


def test_an_unknown_name_in_a_list_has_the_nearest() -> None:
    _, (fault,) = parse_recipe({"data": {"augment": ["flip", "flop"]}})
    assert str(fault).startswith("data.augment[1]: must name a known augmentation; found 'flop'")
    assert str(fault).endswith("(did you mean flip?)")


def test_an_empty_list_is_none() -> None:
    recipe = Recipe.model_validate({"data": {"augment": []}})
    assert augmentations(recipe.data.augment) == of_batches(recipe.data.augment) == ()


def test_the_defaults_of_a_list_s_entries_are_kept() -> None:
    tables = current_defaults([("data.augment", LIST)])
    assert tables["data.augment.randaugment"] == {"operations": 2, "magnitude": 9}
    older = {**tables, "data.augment.randaugment": {"operations": 5, "magnitude": 9}}
    full = with_defaults({"data.augment": LIST}, older)
    entry = full["data"]["augment"][1]
    assert entry == {"name": "randaugment", "magnitude": 3, "operations": 5}


def test_lists_are_choices_of_a_space_and_of_first() -> None:
    lists = [["flip"], LIST, [{"name": "cutmix", "alpha": 0.5}]]
    tree: dict[str, Any] = {
        "study": "lists",
        "points": 4,
        "first": [{"set": {"data.augment": LIST}}],
    }
    tree["space"] = {"data": {"augment": {"choice": lists}}, "optimizer.lr": {"log": [1e-3, 1]}}
    spec = spec_from_tree(tree)
    assert spec_from_tree(spec.tree()) == spec
    params = spec.first_params(0)
    assert params is not None
    assert spec.space.values_of(params)["data.augment"] == LIST
    cells = spec.training(spec.first_values(0)).columns()
    assert cells["data.augment"] == params["data.augment"]


def test_a_faulty_entry_of_a_choice_is_told_at_the_choice() -> None:
    tree = {"study": "lists", "points": 4, "space": {"data.augment": {"choice": [["flip"], ["x"]]}}}
    with pytest.raises(Exception, match=r"space.data.augment.choice\[1\]: must name a known augm"):
        spec_from_tree(tree)
