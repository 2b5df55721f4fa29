from __future__ import annotations

from typing import Any

import pytest

from analysis.results import Results, load
from study.errors import UserError


@pytest.fixture
def two(mixed: Any, make: Any) -> Results:
    other = make(name="other")
    other.complete_point({"optimizer.name": "adam", "optimizer.lr": 1e-3}, [0.5])
    return load([mixed.paths, other.paths])


def test_the_frames_hold_all_studies_and_one_alone_can_be_taken_out(two: Results) -> None:
    assert dict(two.points["study"].value_counts()) == {"digits-momentum": 6, "other": 1}
    assert set(two.only("other").trials["study"]) == {"other"}
    assert two.only("other").study.name == "other"


def test_what_needs_one_study_is_refused_for_two(two: Results) -> None:
    with pytest.raises(UserError, match="2 are loaded"):
        _ = two.study


def test_the_epochs_at_an_epoch_carry_their_trials_columns(mixed: Any) -> None:
    rows = load(mixed.paths).at_epoch(1, 3)
    assert set(rows["epoch"]) == {1, 3}
    assert rows["state"].notna().all()
    assert rows["optimizer.name"].notna().all()
    assert not any(name.endswith("_trial") for name in rows.columns)


def test_a_result_says_in_a_line_what_it_holds(two: Results) -> None:
    assert repr(two).startswith("<Results of digits-momentum, other: 7 points, ")
