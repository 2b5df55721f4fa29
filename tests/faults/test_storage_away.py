"""A storage that refuses for a while: the study pauses, says so, goes on, and loses nothing."""

from __future__ import annotations

import resource
import time
from pathlib import Path

import psutil
import pytest

from ..study.command import (
    count,
    history_of,
    outcome,
    run,
    session_of,
    start,
    wait_for,
    write_study,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200)]

AWAY_S = 10.0
WORKERS = ("ray::TrialWorker", "ray::ResourceTrainable")


def study(folder: Path) -> Path:
    """A study whose trials are still at work when the storage goes away."""
    folder.mkdir()
    data = {"name": "digits", "train_images": 1000, "batch_size": 8}
    write_study(
        folder,
        keep_checkpoints="none",
        pruner="none",
        recipe={"epochs": 12, "data": data, "model": "mlp"},
    )
    return folder


def refuse(session: int, refused: bool) -> None:
    """Let every write of a study's driver and workers fail (EFBIG), or succeed again; Ray's own
    parts are spared.
    """
    allowed = (
        (1, resource.RLIM_INFINITY) if refused else (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    )
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if session_of(process.pid) == session and (
            process.pid == session or words.startswith(WORKERS)
        ):
            process.rlimit(psutil.RLIMIT_FSIZE, allowed)


def test_a_storage_that_refuses_every_write_for_a_while_is_waited_for(tmp_path: Path) -> None:
    whole, away = study(tmp_path / "whole"), study(tmp_path / "away")
    run(whole, "run", "tiny.yaml")
    process = start(away, "run", "tiny.yaml")
    wait_for(lambda: count(away, "reported") >= 2, "two epochs")
    refuse(process.pid, True)
    time.sleep(1)
    reported = count(away, "reported")
    time.sleep(AWAY_S)
    assert process.poll() is None, process.communicate()[0]
    assert count(away, "reported") == reported
    refuse(process.pid, False)
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert "paused" in said
    history = history_of(away)
    assert all(len(trial.attempts) == 1 for trial in history.trials)
    assert outcome(history) == outcome(history_of(whole))


def test_tables_that_cannot_be_written_cost_nothing_but_themselves(tmp_path: Path) -> None:
    folder = study(tmp_path / "study")
    process = start(folder, "run", "tiny.yaml")
    wait_for(lambda: count(folder, "opened"), "the driver")
    in_the_way = folder / "studies" / "tiny" / "results"
    in_the_way.write_text("no folder")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 3, said
    assert "study resume tiny" in said
    assert "Traceback" not in said
    ended = count(folder, "ended")
    assert ended == 6
    in_the_way.unlink()
    assert "is complete" in run(folder, "resume", "tiny").stdout
    assert (in_the_way / "trials.parquet").exists()
    assert count(folder, "ended") == ended
