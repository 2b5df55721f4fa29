"""From a tree to a spec: recipe, space and rules judged together, every default decided."""

from __future__ import annotations

import pytest

from study.errors import SpecError
from study.files.yaml_reader import read_yaml
from study.spec.fault_report import FaultReport
from study.spec.resolve import resolve_spec
from study.spec.spec import StudySpec


def resolved(text: str) -> StudySpec:
    document = read_yaml(text)
    return resolve_spec(document.tree, FaultReport("f.yaml", document))


def test_points_and_reproducible_are_decided() -> None:
    spec = resolved("study: s\nsampler: grid\nspace: {precision: {choice: [fp32, bf16]}}\n")
    assert (spec.points, spec.reproducible, spec.notes) == (2, True, ())
    timed = resolved("study: s\npoints: 2\nrecipe: {seconds: 5}\nspace: {epochs: {int: [1, 2]}}\n")
    assert not timed.reproducible


def test_a_role_that_an_override_fixes_is_none() -> None:
    text = (
        "study: s\npoints: 2\nspace: {optimizer: {lr: {log: [1e-3, 1]}}, epochs: {int: [1, 2]}}\n"
        "roles: {nuisance: [optimizer.lr, epochs]}\noverrides: {optimizer.lr: 0.1}\n"
    )
    assert resolved(text).roles.nuisance == ("epochs",)


def test_faults_of_keys_recipe_and_space_come_together() -> None:
    text = "study: s\npoints: x\nrecipe: {epochs: 0}\nspace: {optimizer: {lr: {log: [2, 1]}}}\n"
    with pytest.raises(SpecError) as caught:
        resolved(text)
    assert [line.split(": ")[1] for line in caught.value.lines] == [
        "points",
        "recipe.epochs",
        "space.optimizer.lr.log",
    ]


def test_a_document_that_is_no_mapping_is_one_fault() -> None:
    with pytest.raises(SpecError, match=r"^f.yaml:1: must be a mapping; found \[1\]$"):
        resolved("- 1\n")
