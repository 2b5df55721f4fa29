"""A study on images of one's own whose workers and drivers are killed equals one that never was:
augmented, by loader processes, of folders and Parquet files, on a disk and on a store.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from study.files.object_storage import ObjectPath

from ..study.command import (
    SLOW,
    check_exact,
    count,
    events_of,
    history_of,
    kill,
    kill_all,
    outcome,
    run,
    start,
    wait_for,
    write_study,
)
from ..study.training.data.pictures import write_parquet, write_pictures
from ..study.training.test_files_on_a_store import stored

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]


def write_files(folder: Path, path: str, kind: str) -> None:
    folder.mkdir()
    (folder / "slow.py").write_text(SLOW)
    data = {
        "name": kind,
        "path": path,
        "image_size": 8,
        "fit": "crop",
        "batch_size": 16,
        "augment": ["random_resized_crop", "flip", "cutmix"],
        "loader": {"name": "host", "workers": 2},
    }
    model = {"name": "slow:factory", "options": {"pause_s": 0.1}}
    recipe: dict[str, Any] = {"epochs": 6, "data": data, "model": model}
    write_study(folder, points=3, pruner="none", reproducible=True, recipe=recipe)


@pytest.mark.parametrize("place", ["disk", "store"])
@pytest.mark.parametrize("kind", ["folder", "parquet"])
def test_killed_workers_and_drivers_change_nothing(
    kind: str, place: str, tmp_path: Path, bucket: ObjectPath
) -> None:
    write_pictures(tmp_path / "folder" / "train", 40, sides=(11, 9), kind="jpg")
    write_parquet(tmp_path / "parquet", tmp_path / "folder" / "train", "train")
    path = str(tmp_path / kind)
    if place == "store":
        path = stored(tmp_path / kind, bucket, kind)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    for folder in (killed, whole):
        write_files(folder, path, kind)

    session = start(killed, "run", "tiny.yaml", "--trust")
    _wait_for_reports(killed, 2)
    _kill_a_worker(killed)
    _wait_for_reports(killed, count(killed, "reported") + 3)
    kill(session)  # its workers live on until they find out
    session = start(killed, "resume", "tiny", "--trust")
    _wait_for_reports(killed, count(killed, "reported") + 2)
    kill_all(session)
    run(killed, "resume", "tiny", "--trust")
    run(whole, "run", "tiny.yaml", "--trust")

    history = history_of(killed)
    check_exact(history, 3)
    attempts = [len(trial.attempts) for trial in history.trials]
    assert max(attempts) > 1
    assert any(each.failure for trial in history.trials for each in trial.attempts)
    assert outcome(history) == outcome(history_of(whole))


def _wait_for_reports(folder: Path, reports: int) -> None:
    wait_for(lambda: count(folder, "reported") >= reports, f"{reports} reports")


def _kill_a_worker(folder: Path) -> None:
    """SIGKILL to the worker that was placed last, which trains."""
    failed = count(folder, "failed")
    placed = [event for event in events_of(folder) if event["event"] == "placed"]
    with suppress(ProcessLookupError):
        os.kill(placed[-1]["pid"], signal.SIGKILL)
    wait_for(lambda: count(folder, "failed") > failed, "a failure")
