"""Studies killed at random moments, again and again, by SIGKILL.

Each study is killed ``KILLS`` times: while it starts, while trials train, while checkpoints and
records are written; in turn with all that it has started, as when the power goes, and with workers
that live on for a while.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from study.files.layout import StudyPaths
from study.files.local_storage import LocalPath
from study.journal.history import History
from study.journal.trials import ENDED_STATES
from study.training.checkpoint import Checkpoints

from ..study.command import (
    count,
    events_of,
    history_of,
    kill,
    kill_all,
    outcome,
    run,
    start,
    write_study,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]

STUDIES = 10
KILLS = 6
POINTS = 40
UNTOUCHED = 4
"""So many points are left at least when the last kill is due, so that there is something to kill.
"""
STARTING_S = 10.0
UPDATES = 12
"""Updates of an epoch: 360 images for training in batches of 32."""

PRUNERS = [
    {"name": "asha", "min_epochs": 1, "reduction": 2},
    {"name": "hyperband"},
    {"name": "median"},
]
MODEL = """
import os, time
from torch import nn

class Counted(nn.Sequential):
    \"\"\"Leaves a byte for each update, and takes its time over it.\"\"\"

    def forward(self, images):
        if self.training and not images.is_meta:
            descriptor = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            os.write(descriptor, b".")
            os.close(descriptor)
            time.sleep(0.02)
        return super().forward(images)

def factory(image_shape, classes, **options):
    channels, height, width = image_shape
    return Counted(nn.Flatten(), nn.Linear(channels * height * width, 32), nn.ReLU(), nn.Linear(32, classes))
"""


def study(folder: Path, number: int) -> None:
    """Write study ``number``: every second one is reproducible."""
    folder.mkdir()
    (folder / "counted.py").write_text(MODEL.format(log=str(folder / "updates")))
    data = {"name": "digits", "train_images": 400, "batch_size": 32}
    write_study(
        folder,
        points=POINTS,
        sampler={"name": "tpe", "seed": number},
        pruner=PRUNERS[number % 3],
        reproducible=number % 2 == 0,
        keep_checkpoints="none",
        recipe={"epochs": 4, "data": data, "model": "counted:factory"},
    )


def wait_for_the_moment(
    folder: Path, process: Popen[str], chance: random.Random, kills_left: int
) -> None:
    """Sleep until a random moment that leaves something to kill for the kills that are left."""
    if chance.random() < 0.2:
        time.sleep(chance.uniform(0, STARTING_S))
        return
    told, reported = count(folder, "told"), count(folder, "reported")
    share = 2 * max(0, POINTS - told - UNTOUCHED) // (kills_left + 1)
    further = chance.randrange(share + 1)
    while process.poll() is None and (
        count(folder, "reported") == reported or count(folder, "told") < told + further
    ):
        time.sleep(0.05)
    time.sleep(chance.random() * 0.5)


def epochs_behind(folder: Path, history: History) -> int:
    """How many epochs that they have reported the running trials' newest states lack: these, and
    the epoch in work, are what is repeated.
    """
    behind = 0
    paths = StudyPaths(LocalPath(folder / "studies"), "tiny")
    for trial in history.trials:
        if trial.is_in_flight and trial.epochs:
            newest = Checkpoints(paths.checkpoints(trial.point, trial.replicate)).latest()
            assert newest is not None
            behind += max(0, trial.epochs - newest["epoch"])
    return behind


def kill_again_and_again(folder: Path, chance: random.Random) -> tuple[int, int, set[int]]:
    """Kill the study KILLS times; how many trials ran at those moments, how many epochs their
    states were behind, and which trials had ended by the last one.
    """
    running = behind = 0
    for kills in range(KILLS):
        process = start(
            folder,
            *(("run", "tiny.yaml") if not (folder / "studies").exists() else ("resume", "tiny")),
        )
        wait_for_the_moment(folder, process, chance, KILLS - kills)
        assert process.poll() is None, (
            f"ended before it could be killed: {process.communicate()[0]}"
        )
        (kill_all if kills % 2 else kill)(process)
        history = history_of(folder)
        behind += epochs_behind(folder, history)
        running += sum(trial.is_in_flight for trial in history.trials)
    return (
        running,
        behind,
        {trial.number for trial in history.trials if trial.state in ENDED_STATES},
    )


def check_exact(events: list[dict[str, Any]], history: History) -> None:
    assert [point.number for point in history.points] == list(range(POINTS)), (
        "points lost or doubled"
    )
    assert all(point.state in ENDED_STATES for point in history.points)
    assert [trial.number for trial in history.trials] == list(range(len(history.trials)))
    assert {trial.state for trial in history.trials} == {"COMPLETE", "PRUNED"}
    for kind, per in (("told", "point"), ("ended", "trial"), ("finished", "trial")):
        assert set(Counter(event[per] for event in events if event["event"] == kind).values()) == {
            1
        }, f"{kind} twice"
    for trial in history.trials:
        assert [row["epoch"] for row in trial.rows] == list(range(1, trial.epochs + 1)), (
            "epochs lost or doubled"
        )


def check_ended_stay_ended(events: list[dict[str, Any]]) -> None:
    """No attempt starts after its trial has ended."""
    ended: set[int] = set()
    for event in events:
        if event["event"] == "ended":
            ended.add(event["trial"])
        assert not (event["event"] == "started" and event["trial"] in ended), (
            "a finished trial ran again"
        )


def epochs_beyond_the_reported(folder: Path) -> float:
    """Epochs' worth of updates that workers made and nobody heard of."""
    return (folder / "updates").stat().st_size / UPDATES - count(folder, "reported")


@pytest.mark.parametrize("number", range(STUDIES))
def test_nothing_is_lost_doubled_or_run_again(
    number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    study(killed, number)
    running, behind, ended = kill_again_and_again(killed, random.Random(number))
    assert "complete" in run(killed, "resume", "tiny").stdout
    events, history = events_of(killed), history_of(killed)
    check_exact(events, history)
    check_ended_stay_ended(events)
    # a stop by number may find its trial in the middle of an epoch
    stops = sum(trial.state == "PRUNED" for trial in history.trials) if history.reproducible else 0
    repeated = epochs_beyond_the_reported(killed)
    assert repeated <= running + behind + stops
    if history.reproducible:
        study(whole, number)
        run(whole, "run", "tiny.yaml")
        assert outcome(history) == outcome(history_of(whole))
    attempts = sum(len(trial.attempts) for trial in history.trials)
    kind = "reproducible" if history.reproducible else "free-running"
    with capsys.disabled():
        print(
            f"\nstudy {number} ({kind}): {KILLS} kills, {running} trials hit, {len(ended)} had"
            f" ended by the last; {attempts} attempts at {len(history.trials)} trials,"
            f" {repeated:.2f} epochs beyond the reported"
        )
