"""The JSON Schema that editors check study files with."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from study.files.yaml_reader import read_yaml
from study.spec.json_schema import json_schema
from study.spec.load import load_spec, shipped_studies, starting_file


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
