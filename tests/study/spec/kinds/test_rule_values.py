"""What rules between values speak of: every value that a point's recipe has."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from search_spaces.random_trial import RandomTrial
from study.errors import SpecError
from study.spec.kinds.built_in import names_of_values, recipe_values
from study.spec.load import load_spec, shipped_studies, spec_from_tree

from ..studies import small


def allows(rule: str, **keys: Any) -> bool:
    """Whether the one point of a study keeps a rule."""
    tree = {"study": "s", "sampler": "first-only", "require": rule, "first": [{"set": {}}]}
    try:
        spec_from_tree(tree | keys)
    except SpecError:
        return False
    return True


@pytest.mark.parametrize(
    "rule",
    [
        "epochs == 10",
        "data.batch_size == 64 and data.name == 'digits'",
        "optimizer.name == 'adamw' and optimizer.lr == 0.003",
        "schedule.name == 'constant' and precision == 'fp32'",
        "steps == null and accumulation == 1",
        "data.validation.fraction < 0.5",
        "optimizer.momentum > 5",
        "schedule.min_factor > 5",
        "patience.epochs > 5",
        "model.variant == 'x'",
    ],
)
def test_defaults_are_values_and_what_a_branch_lacks_breaks_no_rule(rule: str) -> None:
    assert allows(rule)


def test_what_a_network_does_not_understand_breaks_no_rule() -> None:
    assert allows("model.depth > 5", recipe={"model": "lenet"})
    assert not allows("model.depth > 5", recipe={"model": "mlp"})


def test_a_null_of_the_recipes_own_is_a_value() -> None:
    assert not allows("steps < 5")
    assert not allows("epochs == 11")


def test_the_seed_is_the_replicates_and_no_value() -> None:
    spec = spec_from_tree(small())
    assert "seed" not in recipe_values(spec.recipe({}, 3))


def test_keys_of_the_users_own_have_names() -> None:
    tree = {"model": {"name": "p.m:f", "options": {"width": 3}}}
    assert {"model.name", "model.options.width"} <= names_of_values(tree)
    assert allows("model.options.width == 3", recipe=tree)
    assert not allows("model.options.width == 4", recipe=tree)


@pytest.mark.parametrize("name", shipped_studies())
def test_values_found_quickly_are_those_of_the_points_whole_recipe(name: str) -> None:
    spec = load_spec(name)
    dice = RandomTrial(Random(name).randrange(1000))
    for _ in range(40):
        values = spec.space.ask(dice)
        quickly = spec._rule_values.of(values)
        assert quickly is not None
        whole = recipe_values(spec.recipe(values, 0))
        assert {path: quickly[path] for path in whole} == whole


def test_a_rule_may_keep_out_what_the_recipe_would_refuse() -> None:
    space = {"accumulation": {"choice": [1, 3]}, "data": {"batch_size": {"choice": [64, 96]}}}
    with pytest.raises(SpecError, match="must divide"):
        spec_from_tree(small(space=space))
    spec = spec_from_tree(small(space=space, require=["data.batch_size % accumulation == 0"]))
    assert not spec.allows({"accumulation": 3, "data.batch_size": 64})
    assert spec.allows({"accumulation": 3, "data.batch_size": 96})


def test_the_rules_are_in_the_spec_and_its_file() -> None:
    spec = spec_from_tree(small(require=["epochs > 3", "optimizer.lr < 1"]))
    assert spec.require == ("epochs > 3", "optimizer.lr < 1")
    assert spec_from_tree(spec.tree()) == spec
    assert spec_from_tree(small(require="epochs > 3")).require == ("epochs > 3",)
    assert "require" not in spec_from_tree(small()).tree()
