"""A study whose storage is an object store: killed, resumed, taken over, analyzed where it lies."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pandas as pd
import pytest

import analysis
from study.files.layout import StudyPaths
from study.files.object_storage import ObjectPath
from study.journal.history import History
from study.journal.journal import read_records
from study.journal.trials import ENDED_STATES

from .command import DEADLINE_S, kill, run, start, wait_for, write_study


def test_a_study_on_s3_is_killed_resumed_and_analyzed(tmp_path: Path, bucket: ObjectPath) -> None:
    paths, where = StudyPaths(bucket, "tiny"), ("--storage", str(bucket))
    file = str(write_study(tmp_path))
    session = start(tmp_path, "run", file, *where)
    wait_for(
        lambda: sum(event["event"] == "reported" for event in read_records(paths.journal)) > 3,
        "reports",
    )
    kill(session)
    assert (
        json.loads(run(tmp_path, "status", "tiny", *where, "--format", "json").stdout)["points"] > 0
    )
    said = run(tmp_path, "resume", "tiny", *where).stdout
    assert "study tiny is complete" in said
    assert f"--storage {bucket}" in said

    history = History(read_records(paths.journal))
    assert [point.number for point in history.points] == list(range(6))
    for trial in history.trials:
        assert trial.state in ENDED_STATES
        assert [row["epoch"] for row in trial.rows] == list(range(1, trial.epochs + 1))
    trials = pd.read_parquet(f"{paths.results}/trials.parquet")
    assert list(trials["trial"]) == list(range(6))
    assert len(analysis.load(str(paths.folder)).epochs) == sum(
        trial.epochs for trial in history.trials
    )
    assert not (tmp_path / "studies").exists()

    assert "tiny" in run(tmp_path, "list", *where).stdout
    assert "wrote" in run(tmp_path, "report", "tiny", *where).stdout
    assert paths.report.read_bytes().startswith(b"<!doctype html>")
    for words in (
        ("compare", "tiny", "tiny"),
        ("export", "tiny", "--to", "winner"),
        ("tensorboard", "tiny", "--to", "events"),
    ):
        run(tmp_path, *words, *where)
    assert (tmp_path / "winner").is_dir()
    assert "there are: tiny" in run(tmp_path, "status", "tyni", *where, code=2).stderr
    run(tmp_path, "remove", "tiny", "--yes", *where)
    assert list(bucket.objects_below()) == []


def test_a_storage_that_is_not_there_is_one_line(tmp_path: Path, s3: str) -> None:
    done = run(
        tmp_path,
        "run",
        str(write_study(tmp_path)),
        "--storage",
        "s3://no-such-bucket-here/x",
        code=2,
    )
    assert done.stderr.count("\n") == 1
    assert "no-such-bucket-here" in done.stderr


@pytest.mark.faults
def test_a_second_driver_takes_the_study_over(tmp_path: Path, bucket: ObjectPath) -> None:
    paths, where = StudyPaths(bucket, "tiny"), ("--storage", str(bucket))
    recipe = {"epochs": 50, "data": {"name": "digits", "train_images": 400}, "model": "mlp"}
    first = start(
        tmp_path, "run", str(write_study(tmp_path, pruner="none", points=2, recipe=recipe)), *where
    )
    wait_for(
        lambda: any(event["event"] == "reported" for event in read_records(paths.journal)),
        "reports",
    )
    first.send_signal(
        signal.SIGSTOP
    )  # as one that the network has cut off, and that doesn't know it
    said = run(tmp_path, "resume", "tiny", *where).stdout
    assert "taking the study over from process" in said
    assert "study tiny is complete" in said
    first.send_signal(signal.SIGCONT)
    output, _ = first.communicate(timeout=DEADLINE_S)
    assert first.returncode == 3, output
    assert "has taken the study over" in output
    assert "Traceback" not in output
    history = History(read_records(paths.journal))
    assert [(trial.state, trial.epochs) for trial in history.trials] == 2 * [("COMPLETE", 50)]
