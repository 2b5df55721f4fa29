"""How far a study is, from its folder alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from study.controller.next_work import Assignment
from study.execution.live_progress import LiveFile, LiveProgress, ShareSeen
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.files.lock import acquire_lock
from study.inspection.status import overview, status_of, status_text
from study.journal.history import History
from study.journal.journal import read_records
from study.journal.ranking import best_point
from study.spec.load import load_spec

from ..fake_cluster import Storage, controller_on, small_spec
from ..fake_folder import write_folder


@pytest.fixture
def study(finished: StudyPaths, tmp_path: Path) -> StudyPaths:
    """A copy of a finished study to change."""
    shutil.copytree(finished.folder, tmp_path / "fake")
    return StudyPaths(LocalPath(tmp_path), "fake")


def test_a_status_is_what_the_history_says(study: StudyPaths) -> None:
    history = History(read_records(study.journal))
    best = best_point(history.points, load_spec(study.spec), whole_seeds=True)
    assert best is not None
    status = status_of(study)
    assert status == json.loads(json.dumps(status))
    assert (status["points"], status["of"], status["trials"]) == (6, 6, len(history.trials))
    assert sum(status["states"].values()) == 6
    assert (status["best_point"], status["best"]) == (best.number, best.value)
    text = status_text(status)
    assert text.startswith(f"fake: {status['state']}\n  points   6 of 6: ")
    assert f"at point {best.number}: optimizer.name=" in text


def test_whoever_drives_the_study_is_named(study: StudyPaths) -> None:
    lock = acquire_lock(study.lock)
    try:
        status = status_of(study)
    finally:
        lock.release()
    assert status["state"] == "running"
    assert status_text(status).startswith(f"fake: running (driven by {status['driver']})\n")
    assert status_of(study)["driver"] == ""


def test_what_a_study_has_of_its_cluster_is_said(study: StudyPaths) -> None:
    live = LiveProgress()
    live.share = ShareSeen(share=2.0, holds=1, wants=4, part=3, waits_since=1_700_000_000.0)
    file = LiveFile(study, live)
    lock = acquire_lock(study.lock)
    try:
        file.refresh()
        status = status_of(study)
    finally:
        lock.release()
        file.remove()
    since = status["share"]["waits_since"]
    expected = f"  share    2: holds 1 trial of the 3 that it may; 3 wait since {since}\n"
    assert expected in status_text(status)
    assert status_of(study)["share"] is None


def test_of_an_interrupted_study_nothing_is_said_to_run_and_how_it_goes_on(
    tmp_path: Path,
) -> None:
    storage = Storage()
    controller = controller_on(storage, small_spec())
    work = controller.next()
    assert isinstance(work, Assignment)
    paths = write_folder(tmp_path, controller.spec, storage)
    status = status_of(paths)
    assert (status["state"], status["states"]) == ("interrupted", {"RUNNING": 1})
    text = status_text(status)
    assert "1 of 12: 1 interrupted\n" in text
    assert f"  go on    study resume fake --storage {tmp_path}\n" in text
    lock = acquire_lock(paths.lock)
    try:
        text = status_text(status_of(paths))
    finally:
        lock.release()
    assert "1 of 12: 1 RUNNING\n" in text
    assert "go on" not in text


@pytest.mark.filterwarnings("ignore::study.errors.StudyFileChanged")
def test_a_study_that_cannot_be_read_does_not_hide_the_others(study: StudyPaths) -> None:
    damaged = StudyPaths(study.storage, "damaged")
    shutil.copytree(str(study.folder), str(damaged.folder))
    for path in (damaged.spec, damaged.spec_version(1)):
        path.write_whole("points: no number")
    by_name = {status["study"]: status for status in overview(study.storage)}
    assert by_name["fake"]["points"] == 6
    assert by_name["damaged"]["points"] is None
    assert status_text(by_name["damaged"]).startswith("damaged: damaged: ")


def test_a_point_of_the_users_own_is_counted_beside_those_of_the_file(study: StudyPaths) -> None:
    status = status_of(study) | {"points": 7, "added": 1}
    assert "  points   6 of 6, and 1 added: " in status_text(status)
