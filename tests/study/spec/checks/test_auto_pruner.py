"""What ``pruner: auto`` is: asha with promotion, unless that would take what the study is for."""

from __future__ import annotations

from typing import Any

import pytest

from study.errors import SpecError
from study.spec.load import spec_from_tree
from study.spec.pruners import Asha, NoPruning, PrunerChoice
from study.spec.spec import StudySpec

from ..own_studies import own

SEARCH: dict[str, Any] = {
    "study": "s",
    "points": 8,
    "pruner": "auto",
    "recipe": {"epochs": 9},
    "space": {"optimizer": {"lr": {"log": [1e-3, 1]}}},
}
PROMOTION = Asha(promote=True)


def spec_of(**changes: Any) -> StudySpec:
    return spec_from_tree({**SEARCH, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"points": 300, "replicates": 3, "concurrency": 8},
        {"reproducible": False},
        {"recipe": {"epochs": 2}},
        {"space": {"epochs": {"int": [1, 9]}}, "recipe": {}},
    ],
)
def test_a_search_promotes(changes: dict[str, Any]) -> None:
    spec = spec_of(**changes)
    assert spec.pruner == PROMOTION
    expected = "pruner: auto is asha, min_epochs 1, reduction 3, promote true: few epochs"
    assert any(note.startswith(expected) for note in spec.notes)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"sampler": "grid", "space": {"precision": {"choice": ["fp32", "bf16"]}}}, "of a grid"),
        ({"sampler": "first-only", "first": [{"set": {"optimizer.lr": 0.1}}]}, "of first is"),
        (
            {
                "space": {**SEARCH["space"], "model": {"norm": {"choice": ["none", "every_conv"]}}},
                "roles": {"scientific": ["model.norm"], "nuisance": ["optimizer.lr"]},
                "mode": "method-study",
            },
            "levels are compared",
        ),
        ({"objective": [{"metric": "val_loss"}, {"metric": "parameters"}]}, "a single objective"),
        ({"racing": {"threshold": 0.1}, "replicates": 3}, "racing ends points"),
        ({"recipe": {"epochs": 1}}, "a second epoch"),
        ({"recipe": {"epochs": None, "steps": 300}}, "a second epoch"),
    ],
)
def test_nothing_is_pruned_that_is_wanted_whole(changes: dict[str, Any], why: str) -> None:
    spec = spec_of(**changes)
    assert spec.pruner == NoPruning()
    assert any(note.startswith("pruner: auto is none: ") and why in note for note in spec.notes)


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [({"epochs": 4}, PROMOTION), ({"epochs": 1}, NoPruning()), ({}, NoPruning())],
)
def test_an_own_training_that_says_its_length_is_no_other(
    recipe: dict[str, Any], expected: PrunerChoice
) -> None:
    """One that doesn't may report once and end, and would be set aside just then."""
    assert spec_from_tree(own(pruner="auto", recipe=recipe)).pruner == expected


def test_first_values_that_make_no_training_together_are_no_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def picky(self: StudySpec, values: Any, changed: Any = None) -> Any:
        raise SpecError(["such a rule as only the whole recipe breaks"])

    monkeypatch.setattr(StudySpec, "training", picky)
    assert spec_of().pruner == NoPruning()


def test_it_is_kept_as_what_it_came_to_be() -> None:
    spec = spec_of()
    again = spec_from_tree(spec.tree())
    assert spec.tree()["pruner"] == {
        "name": "asha",
        "min_epochs": 1,
        "reduction": 3,
        "promote": True,
    }
    assert again == spec
    assert (spec.is_pruner_open, again.is_pruner_open, again.notes) == (True, False, ())


def test_what_is_written_is_taken_as_it_is() -> None:
    spec = spec_of(pruner="asha")
    assert (spec.pruner, spec.is_pruner_open, spec.notes) == (Asha(), False, ())
