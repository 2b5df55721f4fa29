"""What a study file may say of the workers of a trial, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from study.errors import SpecError
from study.spec.load import spec_from_tree
from study.spec.spec import StudySpec

FIRST: dict[str, Any] = {"sampler": "first-only", "first": [{"set": {"epochs": 1}}]}


def spec_with(resources: dict[str, Any], **keys: Any) -> StudySpec:
    recipe = keys.pop("recipe", {"model": "mlp"})
    tree = {"study": "s", "question": "q", "objective": "val_accuracy", "recipe": recipe}
    return spec_from_tree(tree | FIRST | {"resources": resources} | keys)


def fault_of(resources: dict[str, Any], **keys: Any) -> str:
    with pytest.raises(SpecError) as refused:
        spec_with(resources, **keys)
    return str(refused.value)


def test_a_number_of_workers_is_most_and_least_in_one() -> None:
    workers = spec_with({"workers": 4}).resources.workers
    assert (workers.most, workers.least, workers.may_differ) == (4, 4, False)
    assert spec_with({"workers": 4}).tree()["resources"]["workers"] == 4


def test_a_study_of_one_worker_is_written_as_ever() -> None:
    assert "workers" not in spec_with({"workers": 1}).tree()["resources"]
    assert spec_with({"workers": 1}).hash() == spec_with({}).hash()


def test_workers_that_may_be_fewer_read_back_equal() -> None:
    spec = spec_with({"workers": {"most": 4, "least": 2}})
    assert spec.tree()["resources"]["workers"] == {"most": 4, "least": 2}
    assert spec_from_tree(spec.tree()).resources == spec.resources
    assert not spec.reproducible


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        ({"workers": 0}, "resources.workers.most: must be at least 1; found 0"),
        ({"workers": 1.5}, "resources.workers: must be an integer; found 1.5"),
        ({"workers": True}, "resources.workers: must be an integer; found true"),
        ({"workers": {"most": 2, "least": 3}}, "resources.workers.least: must be 2 or fewer"),
        ({"workers": {"least": 2}}, "resources.workers.most: must be given"),
        ({"workers": 2, "gpus": 0.5}, "resources.gpus: must be 0 or 1"),
    ],
)
def test_numbers_of_workers_that_can_not_be_are_refused(
    resources: dict[str, Any], said: str
) -> None:
    assert said in fault_of(resources)


MAY_DIFFER = {"workers": {"most": 2, "least": 1}}


def test_a_reproducible_study_has_as_many_workers_at_each_attempt() -> None:
    assert "must be one number with reproducible" in fault_of(MAY_DIFFER, reproducible=True)


@pytest.mark.parametrize(
    ("model", "is_refused"),
    [
        ({"name": "small_cnn"}, True),
        ({"name": "small_cnn", "sync_norm": True}, False),
        ({"name": "small_cnn", "norm_kind": "group"}, False),
        ({"name": "small_cnn", "norm": "none"}, False),
        ({"name": "mlp"}, False),
        ({"name": "mine:network"}, True),
    ],
)
def test_fewer_workers_are_refused_where_batch_norm_would_see_more_images(
    model: dict[str, Any], is_refused: bool
) -> None:
    if is_refused:
        assert "batch norm" in fault_of(MAY_DIFFER, recipe={"model": model})
    else:
        spec_with(MAY_DIFFER, recipe={"model": model})


def test_what_several_workers_can_not_do_is_refused_at_its_place() -> None:
    said = fault_of({"workers": 2}, recipe={"execution": {"mode": "compile"}})
    assert "recipe.execution.mode: must be eager where a trial has several workers" in said
    spec_with({"workers": 1}, recipe={"execution": {"mode": "compile"}})
