"""A recipe is validated whole: every fault at once, where the user wrote it, before torch is
loaded.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from study.training.recipe.data_catalog import DATA_SETS, FILE_SETS
from study.training.recipe.recipe import Recipe, field_paths, merge, parse_recipe
from study.training.recipe.recipe_paths import fields_of_forms, flatten

FAULTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"optimizer": {"lr": "x"}}, ["optimizer.lr: must be a number; found 'x'"]),
    ({"epochs": True}, ["epochs: must be an integer; found true"]),
    ({"epochs": 2.5}, ["epochs: must be an integer; found 2.5"]),
    ({"epochs": 0}, ["epochs: must be at least 1; found 0"]),
    (
        {"steps": 10**400},
        ["steps: must be at most 1099511627776; found an integer of more than 30 digits"],
    ),
    ({"optimizer": {"lr": float("nan")}}, ["optimizer.lr: must be a finite number; found nan"]),
    ({"optimizer": {"lr": float("inf")}}, ["optimizer.lr: must be a finite number; found inf"]),
    ({"optimizer": {"lr": 0}}, ["optimizer.lr: must be greater than 0; found 0"]),
    (
        {"optimizer": {"name": "sgd", "nesterov": 1}},
        ["optimizer.nesterov: must be true or false; found 1"],
    ),
    (
        {"optimizer": 3},
        [
            "optimizer: must be a name or a mapping with a name; found 3; accepted"
            f" {' | '.join(fields_of_forms('optimizer') or {})} | package.module:factory"
        ],
    ),
    ({"data": None}, ["data: must be a mapping; found nothing"]),
    (
        {"schedule": "cosin"},
        [
            "schedule: must name a known schedule; found 'cosin'; accepted"
            f" {' | '.join(fields_of_forms('schedule') or {})} | package.module:factory"
            " (did you mean cosine?)"
        ],
    ),
    (
        {"data": {"loader": {"name": "hst"}}},
        [
            "data.loader.name: must name a known loader; found 'hst'; accepted host | device (did"
            " you mean host?)"
        ],
    ),
    (
        {"data": {"augment": {"name": "flip", "pad": 3}}},
        ["data.augment.pad: must be a known key; found 'pad'; accepted name"],
    ),
    (
        {"precision": "fp8"},
        [
            "precision: must be one of the accepted words; found 'fp8'; "
            "accepted fp32 | tf32 | bf16 | fp16 | fp16_unscaled"
        ],
    ),
    (
        {"schedule": {"name": "multistep", "milestones": [3, 1]}},
        ["schedule.milestones: must rise; found [3, 1]"],
    ),
    (
        {"schedule": {"name": "multistep", "milestones": [1, "a"]}},
        ["schedule.milestones[1]: must be a number; found 'a'"],
    ),
    (
        {"data": {"validation": {"fraction": 1}}},
        ["data.validation.fraction: must be less than 1; found 1"],
    ),
    (
        {"data": {"validation": "tst"}},
        [
            (
                "data.validation: must be one of the accepted words; found 'tst'; accepted test"
                " (did you mean test?)"
            ),
        ],
    ),
    ({"accumulation": 3}, ["accumulation: must divide data.batch_size, which is 64; found 3"]),
    (
        {"optimizer": {"name": "sgd", "nesterov": True, "dampening": 0.1}},
        ["optimizer.dampening: must be 0 with nesterov; found 0.1"],
    ),
    (
        {"schedule": "cosine", "seconds": 5},
        ["schedule: must have a length in epochs or steps to span; found 'cosine'"],
    ),
    (
        {"target": {"metric": "test_accuracy"}},
        [
            "target.metric: must not look at the test set unless data.validation is test; found"
            " 'test_accuracy'"
        ],
    ),
    (
        {
            "data": {"batch_size": 10},
            "accumulation": 3,
            "seed": -1,
            "clip": {"name": "norm", "limit": 0},
        },
        [
            "clip.limit: must be greater than 0; found 0",
            "seed: must be at least 0; found -1",
            "accumulation: must divide data.batch_size, which is 10; found 3",
        ],
    ),
    # a rule that speaks of a faulty field is not judged
    (
        {"data": {"batch_size": "a"}, "accumulation": 3},
        ["data.batch_size: must be an integer; found 'a'"],
    ),
]


@pytest.mark.parametrize(("tree", "lines"), FAULTS, ids=[str(case[0])[:60] for case in FAULTS])
def test_each_fault_is_one_line_where_the_user_wrote_it(
    tree: dict[str, Any], lines: list[str]
) -> None:
    recipe, faults = parse_recipe(tree)
    assert recipe is None
    assert [str(fault) for fault in faults] == lines


@pytest.mark.parametrize(
    ("tree", "ours"),
    [
        ({"learning_rate": 0.1}, "optimizer.lr"),
        ({"batch_size": 4}, "data.batch_size"),
        ({"optimizer": {"name": "adam", "weight-decay": 0}}, "weight_decay"),
        ({"optimizer": {"name": "adam", "betas": [0.9, 0.99]}}, "beta1 and beta2"),
        ({"gradient_accumulation_steps": 2}, "accumulation"),
        ({"epoch": 3}, "epochs"),
        ({"data": {"num_workers": 2}}, "workers"),
    ],
)
def test_other_tools_words_are_answered_with_ours(tree: dict[str, Any], ours: str) -> None:
    _, (fault,) = parse_recipe(tree)
    assert str(fault).endswith(f"(did you mean {ours}?)")
    assert fault.on_key


@pytest.mark.parametrize(
    "tree",
    [
        {},
        {"model": "resnet18", "schedule": "cosine", "clip": "norm", "optimizer": "muon"},
        {
            "data": {"name": "cifar10", "validation": "test", "loader": "host"},
            "target": {"metric": "test_accuracy"},
        },
        {"steps": 5, "schedule": {"name": "multistep", "milestones": [1, 2.5]}},
        {
            "optimizer": {"name": "sgd", "lr": 1, "lr_factors": {"features.0": 0.1}},
            "patience": {},
            "converge": {},
        },
        {"model": "some.where:network", "data": "some.where:images"},
    ],
)
def test_a_recipe_survives_json(tree: dict[str, Any]) -> None:
    recipe = Recipe.model_validate(tree)
    assert Recipe.model_validate(json.loads(json.dumps(recipe.model_dump(mode="json")))) == recipe


def test_a_recipe_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Recipe().epochs = 3  # type: ignore[misc]


def test_without_a_length_it_has_ten_epochs() -> None:
    assert Recipe().epochs == 10
    assert Recipe.model_validate({"steps": 5}).epochs is None
    assert Recipe.model_validate({"epochs": None, "seconds": 1.5}).epochs is None


def test_names_may_stand_for_sections_and_nested_keys_may_be_dotted() -> None:
    short = Recipe.model_validate(
        {"model": "resnet18", "data.augment": "flip", "optimizer.name": "sgd"}
    )
    long = {
        "model": {"name": "resnet18"},
        "data": {"augment": {"name": "flip"}},
        "optimizer": {"name": "sgd"},
    }
    assert short == Recipe.model_validate(long)


def test_laying_another_branch_drops_the_old_branchs_keys() -> None:
    base = {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9}, "model": "vgg16", "epochs": 3}
    assert merge(base, {"optimizer": "adam"})["optimizer"] == {"name": "adam"}
    assert merge(base, {"optimizer": {"name": "sgd", "lr": 1}})["optimizer"] == {
        "name": "sgd",
        "lr": 1,
        "momentum": 0.9,
    }
    assert merge(base, {"optimizer.lr": 1})["optimizer"]["momentum"] == 0.9
    assert merge(base, {"model.norm": "none"})["model"] == {"name": "vgg16", "norm": "none"}


def test_keys_without_a_branch_apply_to_whatever_is_laid_over() -> None:
    assert merge({"optimizer": {"lr": 1}}, {"optimizer": "adam"}) == {
        "optimizer": {"lr": 1, "name": "adam"}
    }


def test_validation_and_rates_of_groups_are_laid_whole() -> None:
    share: dict[str, Any] = {"data": {"validation": {"fraction": 0.2}}}
    test: dict[str, Any] = {"data": {"validation": "test"}}
    assert merge(share, test) == merge(share, {"data.validation": "test"}) == test
    assert merge(test, share) == share
    factors = merge(
        {"optimizer": {"lr_factors": {"a.b": 1}}}, {"optimizer": {"lr_factors": {"c": 2}}}
    )
    assert factors == {"optimizer": {"lr_factors": {"c": 2}}}


def test_flat_recipe_has_every_value_under_its_path() -> None:
    flat = flatten(
        Recipe.model_validate(
            {"data": {"batch_size": 32}, "accumulation": 4, "schedule": "multistep"}
        )
    )
    assert flat["optimizer.name"] == "adamw"
    assert flat["micro_batch_size"] == 8
    assert flat["schedule.milestones"] == "[5.0, 8.0]"
    assert flat["data.validation.fraction"] == 0.1
    assert "patience" not in flat
    assert (
        flatten(Recipe.model_validate({"data": {"validation": "test"}}))["data.validation"]
        == "test"
    )
    assert set(flat) - {"micro_batch_size"} <= field_paths()


def test_a_users_own_keys_stay_as_they_are() -> None:
    tree = {"model": {"name": "some.where:network", "options": {"a.b": 1, "name": "x"}}}
    recipe = Recipe.model_validate(merge(tree, {"seed": 1}))
    assert recipe.model.options == {"a.b": 1, "name": "x"}
    assert flatten(recipe)["model.options"] == '{"a.b": 1, "name": "x"}'


def test_a_single_key_of_a_users_own_leaves_the_others_and_a_whole_mapping_replaces_them() -> None:
    base = {"model": {"name": "some.where:network", "options": {"a": 1, "b": 2}}}
    single = merge(base, {"model.options.a": 3})
    assert Recipe.model_validate(single).model.options == {"a": 3, "b": 2}
    both = merge(single, {"model.options": {"c": 4}})
    assert Recipe.model_validate(both).model.options == {"c": 4}
    together = {"model.options.c": 5, "model.options": {"d": 6}}
    assert Recipe.model_validate(merge(single, together)).model.options == {"c": 5, "d": 6}
    factors = merge({"optimizer": {"name": "sgd"}}, {"optimizer.lr_factors.features.0": 0.5})
    assert Recipe.model_validate(factors).optimizer.lr_factors == {"features.0": 0.5}


def test_a_value_of_a_users_own_that_is_no_plain_value_is_one_fault() -> None:
    _, faults = parse_recipe({"model": {"name": "some.where:network", "options": {"a": [1]}}})
    assert [str(fault) for fault in faults] == [
        "model.options.a: must be text, a finite number, true or false; found [1]"
    ]


def test_a_rule_that_a_default_breaks_is_reported_once() -> None:
    recipe, faults = parse_recipe({"model": {"name": "mlp", "pretrained": True}, "seed": -1})
    assert recipe is None
    assert len({str(fault) for fault in faults}) == len(faults)


def test_branches_name_the_forms_of_a_section_and_their_fields() -> None:
    optimizers = fields_of_forms("optimizer")
    assert optimizers is not None
    assert "momentum" in optimizers["sgd"]
    assert "momentum" not in optimizers["adam"]
    assert set(fields_of_forms("data.augment") or {}) >= {"none", "flip", "crop_flip"}
    assert set(fields_of_forms("data") or {}) == {*DATA_SETS, *FILE_SETS}
    assert fields_of_forms("epochs") is None
    assert fields_of_forms("nothing.here") is None


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [*Recipe.model_fields, "optimizer.lr", "data.validation", "data.augment.name", "x"]
)
WORDS = st.sampled_from(["sgd", "adam", "cosine", "test", "digits", "norm", "fp16", "flip"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, PLAIN | WORDS | st.dictionaries(st.just("name"), WORDS), max_size=4))
def test_any_tree_is_a_recipe_or_faults(tree: dict[str, Any]) -> None:
    recipe, faults = parse_recipe(tree)
    assert (recipe is None) == bool(faults)
    assert all("\n" not in str(fault) for fault in faults)


def test_validation_loads_neither_torch_nor_ray_nor_optuna() -> None:
    code = (
        "import sys; import study.training.recipe.file; from study.training.recipe.recipe import"
        " parse_recipe;assert parse_recipe({})[0]; assert not {'torch', 'ray', 'optuna', 'numpy'} &"
        " set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


STUDIES_NAME_THEM = {
    "optimizer": (
        "sgd adam adamw nadam radam adamax adadelta adagrad adafactor rmsprop asgd rprop muon"
    ),
    "schedule": (
        "constant step multistep exponential cosine onecycle polynomial triangular plateau switch"
        " cosine_restarts"
    ),
    "data": "cifar10 cifar100 mnist digits synthetic",
}


@pytest.mark.parametrize("section", STUDIES_NAME_THEM)
def test_what_study_files_name_stays_and_in_its_order(section: str) -> None:
    names = STUDIES_NAME_THEM[section].split()
    assert list(fields_of_forms(section) or {})[: len(names)] == names  # new ones follow
