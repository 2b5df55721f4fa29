"""The JSON Schema that editors check study files with."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from study.files.yaml_reader import read_yaml
from study.spec.json_schema import json_schema
from study.spec.load import load_spec, shipped_studies, spec_from_tree, starting_file


@pytest.fixture(scope="module")
def checker() -> jsonschema.Draft202012Validator:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", shipped_studies())
def test_shipped_studies_satisfy_the_schema(
    name: str, checker: jsonschema.Draft202012Validator
) -> None:
    written = read_yaml(shipped_studies()[name].read_bytes()).tree
    assert list(checker.iter_errors(written)) == []
    assert list(checker.iter_errors(load_spec(name).tree())) == []


def test_the_starting_file_satisfies_the_schema(checker: jsonschema.Draft202012Validator) -> None:
    assert list(checker.iter_errors(read_yaml(starting_file()).tree)) == []


@pytest.mark.parametrize(
    "keys",
    [
        {"pionts": 3},
        {"require": [3]},
        {"require": ["x" * 1001]},
        {"replicates": True},
        {"sampler": "bayes"},
        {"pruner": {"min_epochs": 2}},
        {"resources": {"gpus": 2}},
        {"recipe": {"optimizer": "adma"}},
        {"recipe": {"epochs": 0}},
        {"recipe": {"seed": 1}},
        {"space": {"optimizer": {"lr": {"min": 0, "max": 1}}}},
        {"space": {"optimizer": {"lr": {"log": [1]}}}},
        {"space": {"optimizer": {"one_of": {"sgd": {"lrate": 1}}}}},
        {"first": [{"published": []}]},
    ],
)
def test_the_schema_refuses_what_validation_refuses(
    keys: dict[str, Any], checker: jsonschema.Draft202012Validator
) -> None:
    assert list(checker.iter_errors({"study": "s", "points": 4} | keys))


def test_options_of_own_parts_are_dimensions(checker: jsonschema.Draft202012Validator) -> None:
    options = {"width": {"int": [1, 8]}, "wide": True}
    assert not list(checker.iter_errors({"study": "s", "space": {"model": {"options": options}}}))
    unknown = {"width": {"min": 1}}
    assert list(checker.iter_errors({"study": "s", "space": {"model": {"options": unknown}}}))


OWN: dict[str, Any] = {
    "study": "s",
    "train": "segment:train",
    "objective": {"metric": "iou", "direction": "maximize"},
    "points": 4,
    "recipe": {"width": 3, "model": {"depth": 2}},
    "space": {
        "lr": {"log": [1e-3, 1]},
        "model": {"norm": {"choice": ["a", "b"]}},
        "optimizer": {"one_of": {"sgd": {"momentum": {"uniform": [0, 1]}}, "adam": None}},
        "flag": True,
    },
    "first": [{"set": {"lr": 0.1, "optimizer": "adam"}}],
    "max_epochs": 3,
}


def test_a_study_with_an_own_training_satisfies_the_schema(
    checker: jsonschema.Draft202012Validator,
) -> None:
    assert [error.message for error in checker.iter_errors(OWN)] == []
    written = spec_from_tree(OWN).tree()
    assert [error.message for error in checker.iter_errors(written)] == []


@pytest.mark.parametrize(
    "keys",
    [
        {"train": "segment"},
        {"objective": "iou"},
        {"objective": {"metric": "iou"}},
        {"objective": {"metric": "IoU", "direction": "maximize"}},
        {"max_epochs": 0},
        {"space": {"lr": {"log": [1]}}},
        {"space": {"optimizer": {"one_of": {}}}},
    ],
)
def test_the_schema_refuses_of_an_own_training_what_validation_refuses(
    keys: dict[str, Any], checker: jsonschema.Draft202012Validator
) -> None:
    assert list(checker.iter_errors(OWN | keys))


def test_the_type_of_a_config_is_part_of_the_schema_where_it_is_known() -> None:
    config = {
        "type": "object",
        "properties": {"width": {"type": "integer"}, "model": {"$ref": "#/$defs/Model"}},
        "required": ["lr"],
        "$defs": {"Model": {"type": "object", "properties": {"depth": {"type": "integer"}}}},
    }
    typed = jsonschema.Draft202012Validator(json_schema(config))
    assert list(typed.iter_errors(OWN)) == []
    assert list(typed.iter_errors(OWN | {"recipe": {"width": "wide"}}))
    assert list(typed.iter_errors(OWN | {"recipe": {"model": {"depth": 0.5}}}))
