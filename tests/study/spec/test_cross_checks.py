"""What is decided by measured time is not reproducible."""

from __future__ import annotations

from typing import Any

import pytest

from study.errors import SpecError
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
