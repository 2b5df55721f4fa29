"""What a run gives back, as a reader sees it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from analysis.results import load
from study.files.layout import StudyPaths
from study.integrations.python.shown import StudyRun
from study.journal.replay import read_history


@pytest.fixture
def done(finished: StudyPaths) -> StudyRun:
    return StudyRun(finished, read_history(finished.journal), "complete")


def test_a_run_shows_how_it_ended_its_best_point_and_how_to_get_the_weights(
    done: StudyRun,
) -> None:
    first, second, *settings, last = repr(done).splitlines()
    assert first.startswith("study fake is complete: ")
    assert second == repr(done.best).splitlines()[0]
    assert settings
    assert last == f"weights: study.export('fake', to='winner', storage='{done.paths.storage}')"


def test_a_notebook_shows_the_leaderboard_too(done: StudyRun) -> None:
    page = done._repr_html_()
    assert page.count("<table") == 2
    assert "Leaderboard" in page


def test_a_run_that_was_interrupted_says_how_to_go_on(done: StudyRun) -> None:
    interrupted = replace(done, reason="interrupted")
    assert "study.resume('fake')" in repr(interrupted)
    assert interrupted.exit_code == 130
    assert "go on" not in repr(replace(done, reason="target"))


def test_without_a_complete_point_it_says_so(done: StudyRun) -> None:
    for point in done.history.points:
        point.value = None
    nothing: Any = load(done.paths)
    nothing.points["value"] = float("nan")
    done.__dict__["results"] = nothing
    assert "no point is complete" in repr(done)
    assert done._repr_html_().startswith("<pre")
