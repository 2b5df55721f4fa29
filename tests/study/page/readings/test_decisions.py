"""The latest decisions of a study are explained as `study explain` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from analysis.report.decisions import decisions_section
from study.inspection.decisions.explain.explain import Explanations
from study.page.readings import decisions
from study.page.readings.decisions import latest_decisions
from study.page.readings.followed_study import FollowedStudy

from ...fake_cluster import small_spec
from ...fake_folder import run_into


def test_the_latest_are_there_as_they_are_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "_MOST", 3)
    paths, controller = run_into(tmp_path, small_spec(points=20))
    study = FollowedStudy("lab", paths)
    study.read_on()
    found = latest_decisions(study)
    stopped = [each.number for each in controller.history.trials if each.stopped_by == "pruner"]
    explained = Explanations(paths)
    assert found["stops"] == [explained.of_trial(n).tree() for n in stopped[:-4:-1]]
    assert found["proposals"] == [explained.of_point(n).tree() for n in (19, 18, 17)]
    assert (found["stop_count"], found["point_count"]) == (len(stopped), 20)
    section = decisions_section(found)
    assert section is not None
    notes = [note for _, table in section.tables for note in table.notes]
    assert (
        f"The latest 3 of {len(stopped)} stops; study explain NAME --trial N tells of each."
        in notes
    )
