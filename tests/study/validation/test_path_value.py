"""``path=value`` is read in one way, wherever it stands."""

from __future__ import annotations

import pytest

from study.validation.path_value import parse_path_value, path_value_fault


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("recipe.epochs=60", "recipe.epochs", 60),
        (" optimizer.lr = 1e-3 ", "optimizer.lr", 1e-3),
        ("optimizer={name: sgd, lr: 1}", "optimizer", {"name": "sgd", "lr": 1}),
        ("optimizer=name: sgd", "optimizer", {"name": "sgd"}),
        ("space.lr.log=[1, 2]", "space.lr.log", [1, 2]),
        ("question=a=b", "question", "a=b"),
        ("reproducible=true", "reproducible", True),
        ("concurrency=", "concurrency", None),
        ("concurrency=null", "concurrency", None),
    ],
)
def test_the_value_is_yaml_and_nothing_is_null(text: str, path: str, value: object) -> None:
    assignment = parse_path_value(text)
    assert assignment is not None
    assert (assignment.path, assignment.value, assignment.faults) == (path, value, [])


@pytest.mark.parametrize("text", ["foo", "=3", " =3", ""])
def test_anything_else_is_none_and_has_a_fault_to_tell(text: str) -> None:
    assert parse_path_value(text) is None
    fault = path_value_fault(text, "such as optimizer.lr=0.1")
    assert str(fault).startswith("must be path=value; found ")
    assert str(fault).endswith("; accepted such as optimizer.lr=0.1")


def test_faults_of_the_value_begin_at_the_value() -> None:
    assignment = parse_path_value("points=[1")
    assert assignment is not None
    assert [fault.must for fault in assignment.faults] == ["must be valid YAML"]
    assignment = parse_path_value("first={epochs: .nan}")
    assert assignment is not None
    assert [fault.path for fault in assignment.faults] == [("epochs",)]
