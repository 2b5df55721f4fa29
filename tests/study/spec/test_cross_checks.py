"""What is decided by measured time is not reproducible."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from study.errors import SpecError
from study.spec.checks.repeat_checks import repeat_faults
from study.spec.cross_checks import default_reproducible
from study.spec.load import spec_from_tree

from .studies import small


@pytest.mark.parametrize(
    "timed",
    [
        {"objective": [{"metric": "val_accuracy"}, {"metric": "total_seconds"}]},
        {"recipe": {"seconds": 60}},
        {"space": {"seconds": {"uniform": [1, 2]}}},
        {"first": [{"set": {"seconds": 5}}]},
        {"overrides": {"seconds": 5}},
    ],
)
def test_what_is_decided_by_measured_time_is_not_reproducible_by_default(
    timed: dict[str, Any],
) -> None:
    assert spec_from_tree(small()).reproducible is True
    assert spec_from_tree(small(**timed)).reproducible is False
    with pytest.raises(SpecError, match="reproducible: true"):
        spec_from_tree(small(reproducible=True, **timed))


def test_budgets_in_hours_keep_a_study_reproducible() -> None:
    spec = spec_from_tree(small(stop={"wall_hours": 1}, trial={"hours": 1}, reproducible=True))
    assert default_reproducible(spec)


def test_a_pruner_that_looks_at_one_figure_is_refused_with_two_objectives() -> None:
    both = [{"metric": "val_accuracy"}, {"metric": "val_loss"}]
    with pytest.raises(SpecError, match="pruner: must be a pruner that compares by two objectives"):
        spec_from_tree(small(objective=both, pruner="patient"))
    assert spec_from_tree(small(objective=both, pruner="median")).pruner.name == "median"


GPU: dict[str, Any] = {"resources": {"gpus": 0.25}}


def deterministic(value: Any) -> dict[str, Any]:
    return {"execution": {"deterministic": value}}


def test_on_gpus_a_study_is_reproducible_only_where_its_trainings_repeat() -> None:
    assert not spec_from_tree(small(**GPU)).reproducible
    assert spec_from_tree(small(**GPU, recipe=deterministic(True))).reproducible
    assert not spec_from_tree(small(**GPU, recipe=deterministic(False))).reproducible


def test_reproducible_on_gpus_makes_trainings_repeat_and_on_cpus_changes_nothing() -> None:
    on_gpus = spec_from_tree(small(**GPU, reproducible=True))
    values = {"optimizer.lr": 0.1}
    assert on_gpus.training(values).values()["execution.deterministic"]
    for changes in (GPU, {"reproducible": True}):
        training = spec_from_tree(small(**changes)).training(values)
        assert not training.values()["execution.deterministic"]
    assert on_gpus.params_of(values) is not None


def test_a_reproducible_study_on_gpus_goes_on_as_it_began() -> None:
    values = {"optimizer.lr": 0.1}
    begun = spec_from_tree(small(**GPU, reproducible=True)).with_recorded_defaults()
    assert begun.training(values).values()["execution.deterministic"]
    execution = {**begun.defaults["execution"], "deterministic": False}
    long_ago = replace(begun, defaults={**begun.defaults, "execution": execution})
    assert not long_ago.training(values).values()["execution.deterministic"]
    extended = replace(long_ago, points=9).with_recorded_defaults()
    assert not extended.training(values).values()["execution.deterministic"]


@pytest.mark.parametrize(
    "written",
    [
        {"recipe": deterministic(False)},
        {"overrides": {"execution.deterministic": False}},
        {"space": deterministic({"choice": [True, False]})},
        {"first": [{"set": deterministic(False)}]},
    ],
)
def test_reproducible_on_gpus_refuses_trainings_that_do_not_repeat(written: dict[str, Any]) -> None:
    tree = small(**GPU, reproducible=True)
    for key, value in written.items():
        tree[key] = {**tree[key], **value} if key == "space" else value
    (fault,) = repeat_faults(spec_from_tree(tree))  # read all the same: it may have begun long ago
    assert "deterministic: must let GPUs repeat their figures with reproducible: true" in str(fault)


def test_a_pruner_that_promotes_ranks_by_one_objective_and_races_nobody() -> None:
    both = ["val_accuracy", {"metric": "total_seconds", "direction": "minimize"}]
    with pytest.raises(SpecError, match="pruner: must be a pruner that promotes no trials"):
        spec_from_tree(small(objective=both, pruner="first-epochs"))
    spec_from_tree(small(objective=both, pruner="asha", reproducible=False))
    racing = {"replicates": 3, "racing": {"threshold": 0.1}}
    with pytest.raises(
        SpecError, match="racing: must be left out with pruner asha, which promotes"
    ):
        spec_from_tree(small(**racing, pruner={"name": "asha", "promote": True}))
    spec_from_tree(small(**racing, pruner="asha"))
