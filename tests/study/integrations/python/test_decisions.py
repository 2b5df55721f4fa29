"""Decisions from Python: explained, and replayed."""

from __future__ import annotations

import pytest

import study
from study.errors import UserError
from study.files.layout import StudyPaths


def test_a_decision_is_explained_in_words_and_as_data(finished: StudyPaths) -> None:
    storage = str(finished.storage)
    explained = study.explain("fake", point=2, storage=storage)
    assert str(explained).startswith("Point 2 is one of those with which tpe begins")
    assert explained.tree()["kind"] == "proposal"
    assert study.explain("fake", trial=0, storage=storage).tree()["trial"] == 0
    with pytest.raises(UserError, match="either trial=N or point=N"):
        study.explain("fake", storage=storage)


def test_other_pruners_are_a_table(finished: StudyPaths) -> None:
    storage = str(finished.storage)
    table = study.replay("fake", ["none", {"name": "asha", "reduction": 4}], storage=storage)
    frame = table.frame()
    assert list(frame["pruner"]) == [
        "{name: asha, min_epochs: 1, reduction: 2}",
        "none",
        '{"name": "asha", "reduction": 4}',
    ]
    assert len(study.replay("fake", "median", storage=storage).rows) == 2
