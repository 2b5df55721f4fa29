"""What must hold of a study with an own training, and of one without."""

from __future__ import annotations

from typing import Any

import pytest

from study.errors import SpecError
from study.spec.load import spec_from_tree

from ..own_studies import own
from ..studies import small


def faults_of(tree: dict[str, Any]) -> list[str]:
    try:
        spec_from_tree(tree)
    except SpecError as error:
        return list(error.lines)
    return []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"train": "segment.train"}, "train: must name a function; found 'segment.train'"),
        ({"train": 3}, "train: must name a function; found 3"),
        ({"objective": {"metric": "iou"}}, "objective.direction: must be given"),
        ({"objective": None}, "objective: must be given"),
        ({"objective": "iou"}, "objective: must be a"),
        (
            {"objective": {"metric": "IoU", "direction": "maximize"}},
            "objective.metric: must be a metric's name of a-z, 0-9 and _",
        ),
        (
            {"objective": {"metric": "state", "direction": "maximize"}},
            "objective.metric: must be no name of a column that every table has; found 'state'",
        ),
        (
            {"pruner": "hyperband", "recipe": {}},
            "pruner: must know how many epochs a trial has with pruner hyperband",
        ),
        ({"max_epochs": 0}, "max_epochs: must be at least 1; found 0"),
        ({"epoch_cost": "cost"}, "epoch_cost: must name a function"),
    ],
)
def test_what_an_own_training_may_not_say_is_one_line(changes: dict[str, Any], fault: str) -> None:
    (line,) = faults_of(own(**changes))
    assert line.startswith(f"<python>:1: {fault}")


@pytest.mark.parametrize(
    "changes",
    [
        {"pruner": "hyperband"},
        {"pruner": "hyperband", "recipe": {}, "max_epochs": 9},
        {"pruner": {"name": "hyperband", "max_epochs": 9}, "recipe": {}},
        {"pruner": "asha", "recipe": {}},
        {"objective": {"metric": "total_seconds", "direction": "minimize"}},
        {"recipe": {"seconds": 3, "model": "unet", "optimizer": {"name": "sgd"}}},
    ],
)
def test_what_it_may_say(changes: dict[str, Any]) -> None:
    assert faults_of(own(**changes)) == []


def test_two_objectives_and_a_pruner_need_a_length() -> None:
    two = [
        {"metric": "iou", "direction": "maximize"},
        {"metric": "loss", "direction": "minimize"},
    ]
    assert not faults_of(own(objective=two, pruner="asha"))
    assert faults_of(own(objective=two, pruner="asha", recipe={}))


def test_a_time_as_objective_is_not_reproducible() -> None:
    objective = {"metric": "total_seconds", "direction": "minimize"}
    assert faults_of(own(objective=objective, reproducible=True))
    assert not spec_from_tree(own(objective=objective)).reproducible
    assert spec_from_tree(own()).reproducible


@pytest.mark.parametrize("key", ["max_epochs", "epoch_cost"])
def test_a_recipe_has_neither_a_greatest_length_nor_a_cost_of_its_own(key: str) -> None:
    value = 3 if key == "max_epochs" else "a:b"
    (line,) = faults_of(small(**{key: value}))
    assert f"{key}: must stand beside train" in line
