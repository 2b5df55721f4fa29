"""How a run ended, as an exit code."""

from __future__ import annotations

from pathlib import Path

import pytest

from study.execution.run import RunResult
from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.history import History

from ..fake_cluster import Storage, controller_on, drive, small_spec


def result(folder: Path, history: History, reason: str) -> RunResult:
    return RunResult(StudyPaths(LocalPath(folder), "fake"), history, reason)


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        ("interrupted", 130),
        ("wall_hours", 130),
        ("gpu_hours", 130),
        ("halted", 3),
        ("failures", 3),
        ("complete", 1),
        ("target", 1),
    ],
)
def test_what_ended_a_run_without_a_result(tmp_path: Path, reason: str, code: int) -> None:
    assert result(tmp_path, History([]), reason).exit_code == code


def test_a_point_that_is_complete_is_a_success(tmp_path: Path) -> None:
    controller = controller_on(Storage(), small_spec(points=2))
    drive(controller)
    assert result(tmp_path, controller.history, "complete").exit_code == 0
    assert result(tmp_path, controller.history, "interrupted").exit_code == 130
