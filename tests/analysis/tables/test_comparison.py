from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.rendering import Table
from analysis.results import load


def column(shown: Table, name: str) -> list[Any]:
    """The cells of the column with that full name."""
    position = [header.name for header in shown.headers].index(name)
    return [row[position] for row in shown.rows]


def test_two_studies_are_compared_at_equal_budget(mixed: Any, large: Callable[..., Any]) -> None:
    shown = load(mixed.paths).compare(load(large(20, name="other").paths))
    assert "expected best val_accuracy of 1 point" in column(shown, "quantity")
    assert any("study:" in note for note in shown.notes)


def test_other_images_of_one_name_are_told(make: Callable[..., Any]) -> None:
    studies = []
    for name, found in (("one", "aa"), ("two", "bb")):
        study = make(name=name)
        point = study.point({"optimizer.name": "adam", "optimizer.lr": 1e-3, "accumulation": 1})
        trial = study.start(point, 0)
        study.report(trial, 1, 0.5)
        study.finish(trial, data_fingerprint=f"{found}, train 9, validation 9, test 9, seed 0")
        study.tell(point, "COMPLETE", 0.5)
        studies.append(load(study.paths))
    same, other = (studies[0].compare(study).notes for study in studies)
    assert "They had other images of digits: their figures don't compare." in other
    assert not any("other images" in note for note in same)
