"""The keys of a study file: the model says each one's default, and what other tools call it."""

from __future__ import annotations

import pytest

from study.spec.json_schema import json_schema
from study.spec.samplers import Tpe
from study.spec.study_file import StudyFile, parse_study_file


def test_only_a_name_is_needed_for_the_keys_by_themselves() -> None:
    file, faults = parse_study_file({"study": "s"})
    assert faults == []
    assert file == StudyFile(study="s")
    assert (file.points, file.replicates, file.sampler, file.racing) == (None, 1, Tpe(), None)


def test_every_key_is_described() -> None:
    assert all(key["description"] for key in json_schema()["properties"].values())


@pytest.mark.parametrize(
    ("key", "ours"),
    [
        ("n_trials", "points"),
        ("metric", "objective.metric"),
        ("epochs", "recipe.epochs"),
        ("optimizer.lr", "recipe.optimizer.lr"),
        ("replicate", "replicates"),
    ],
)
def test_an_unknown_key_is_answered_with_ours(key: str, ours: str) -> None:
    _, (fault,) = parse_study_file({"study": "s", key: 1})
    assert (fault.path, fault.nearest, fault.on_key) == ((key,), ours, True)


def test_what_is_at_fault_has_its_default_so_that_the_rest_is_judged() -> None:
    tree = {
        "study": 3,
        "replicates": 0,
        "points": 7,
        "first": [{"set": {}}, 3, {"set": {"epochs": 2}}],
    }
    file, faults = parse_study_file(tree)
    assert [fault.path for fault in faults] == [("study",), ("replicates",), ("first", 1)]
    assert file is not None
    assert (file.replicates, file.points) == (1, 7)
    assert [first.set for first in file.first] == [{}, {}, {"epochs": 2}]
