from __future__ import annotations

import gc
import weakref
from typing import Any

import pandas as pd

from analysis.frames import Frames
from analysis.results import load
from analysis.selection.ranking import ranked_points
from analysis.selection.remembered import frames_made_once, remembered


def counting(calls: list[Any]) -> Any:
    @remembered
    def numbers(results: Frames, most: int = 3) -> pd.DataFrame:
        calls.append(most)
        return pd.DataFrame({"number": range(most)})

    return numbers


def test_a_frame_is_made_once_for_the_same_studies_and_arguments(mixed: Any) -> None:
    calls: list[Any] = []
    numbers, results = counting(calls), load(mixed.paths)
    with frames_made_once():
        assert [len(numbers(results)), len(numbers(results)), len(numbers(results, 5))] == [3, 3, 5]
        assert len(numbers(results, most=5)) == 5
    assert calls == [3, 5, 5]


def test_elsewhere_a_frame_is_made_of_what_is_there_each_time(mixed: Any) -> None:
    results = load(mixed.paths)
    before = len(ranked_points(results))
    with frames_made_once():
        assert len(ranked_points(results)) == before
    results.points["value"] = None
    assert before > len(ranked_points(results)) == 0


def test_studies_that_are_loaded_anew_are_looked_at_anew(mixed: Any) -> None:
    calls: list[Any] = []
    numbers = counting(calls)
    with frames_made_once():
        numbers(load(mixed.paths))
        numbers(load(mixed.paths))
        numbers(load(mixed.paths).with_dropped())
    assert calls == [3, 3, 3]


def test_what_one_caller_changes_another_does_not_see(mixed: Any) -> None:
    numbers, results = counting([]), load(mixed.paths)
    with frames_made_once():
        mine = numbers(results)
        mine["number"] = 0
        mine.loc[1, "number"] = 7
        mine["more"] = 1
        assert numbers(results)["number"].tolist() == [0, 1, 2]
        assert list(numbers(results).columns) == ["number"]


def test_studies_that_nobody_holds_are_let_go_of(mixed: Any) -> None:
    numbers, results = counting([]), load(mixed.paths)
    with frames_made_once():
        numbers(results)
    held = weakref.ref(results)
    del results
    gc.collect()
    assert held() is None
