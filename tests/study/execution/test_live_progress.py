"""What isn't on record: how far epochs are, who is paused, and the file that shows it to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.execution.live_progress import LiveFile, LiveProgress, ShareSeen, read_live
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.training.runtime.progress import ProgressMark


@pytest.fixture
def paths(tmp_path: Path) -> StudyPaths:
    found = StudyPaths(LocalPath(tmp_path), "fake")
    found.folder.make_folder()
    return found


def test_others_read_what_the_driver_has_written_until_it_ends(paths: StudyPaths) -> None:
    live = LiveProgress()
    live.waiting_for = "Ray to start"
    live.note(3, ProgressMark(stage="training", epoch=2, step=5, steps=9, seconds=1.5))
    live.share = ShareSeen(share=0.5, holds=2, wants=3, part=None, waits_since=None)
    file = LiveFile(paths, live)
    file.refresh()
    read = read_live(paths)
    assert read.waiting_for == "Ray to start"
    assert read.mark_of(3) == live.mark_of(3)
    assert read.mark_of(4) == ProgressMark()
    assert read.share == live.share
    file.remove()
    assert read_live(paths).tree() == LiveProgress().tree()


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b"[" * 100_000,
        b'{"trials": []}',
        b'{"trials": {"x": {}, "1": 3, "2": {"stage": 1}}}',
        b'{"share": {"share": 1}}',
        b'{"share": {"share": "x", "holds": 1, "wants": 1, "part": 1, "waits_since": 1}}',
        b'{"trials": {"1": {"nosuch": 1}, "2": {"epoch": "one"}, "3": {"seconds": []}}}',
    ],
)
def test_a_file_of_any_content_is_read_as_far_as_it_makes_sense(
    paths: StudyPaths, content: bytes
) -> None:
    paths.live.write_whole(content)
    assert all(read_live(paths).mark_of(trial) == ProgressMark() for trial in range(4))
    assert read_live(paths).share is None


def test_a_trial_is_paused_until_it_comes_further() -> None:
    live = LiveProgress()
    live.note(1, ProgressMark(stage="saving", epoch=2, step=9))
    live.pause(1, "paused: the disk is full")
    live.note(1, ProgressMark(stage="saving", epoch=2, step=9))
    assert live.mark_of(1).stage == "paused: the disk is full"
    live.note(1, ProgressMark(stage="training", epoch=3, step=1))
    assert live.mark_of(1).stage == "training"
    live.pause(1, "paused")
    live.forget(1)
    assert live.mark_of(1) == ProgressMark()
