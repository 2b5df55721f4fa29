"""Studies killed at random moments, again and again, by SIGKILL to all their processes."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from study.records import ENDED

from ..study.command import count, events_of, history_of, outcome, run, start, write_study

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
KILLS = 5
POINTS = 40
PRUNERS = [{"name": "asha", "min_epochs": 1, "reduction": 2}, {"name": "hyperband"}, {"name": "median"}]


def study(folder: Path, number: int) -> None:
    reproducible = number % 2 == 0
    recipe = {"epochs": 4, "data": {"name": "digits", "train_images": 400}, "model": "mlp"}
    changes: dict[str, Any] = {"points": POINTS, "sampler": {"name": "tpe", "seed": number}, "recipe": recipe}
    write_study(folder, pruner=PRUNERS[number % 3], reproducible=reproducible, keep_checkpoints="none", **changes)


@pytest.mark.parametrize("number", range(10))
def test_nothing_is_lost_doubled_or_run_again(number: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chance = random.Random(number)
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    study(killed, number)
    kills = 0
    repeated = 0
    while kills < KILLS:
        seen = len(events_of(killed))
        process = start(killed, *(("run", "tiny.yaml") if kills == 0 else ("resume", "tiny")))
        # each session gets some events further, and then on for a random while
        wanted = chance.randrange(2, 60)
        deadline = time.monotonic() + 120
        while len(events_of(killed)) < seen + wanted and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(chance.random() * 0.5)
        if process.poll() is not None:
            process.communicate()
            break
        before = {event["trial"]: event for event in events_of(killed) if event["event"] == "ended"}
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        kills += 1
    last = run(killed, "resume", "tiny")
    assert "complete" in last.stdout
    history = history_of(killed)
    assert [point.number for point in history.points] == list(range(POINTS)), "points lost or doubled"
    assert all(point.state in ENDED for point in history.points)
    assert [trial.number for trial in history.trials] == list(range(len(history.trials)))
    for trial in history.trials:
        assert [row["epoch"] for row in trial.rows] == list(range(1, trial.epochs + 1)), "epochs lost or doubled"
        repeated += len(trial.attempts) - 1
    started_after = [e["trial"] for e in events_of(killed) if e["event"] == "started" and e["trial"] in before]
    assert len(started_after) == sum(len(history.trials[n].attempts) for n in before), "a finished trial ran again"
    if history.reproducible:
        whole.mkdir()
        study(whole, number)
        run(whole, "run", "tiny.yaml")
        assert outcome(history) == outcome(history_of(whole))
    with capsys.disabled():
        kind = "reproducible" if history.reproducible else "free-running"
        ended = count(killed, "ended")
        print(f"\nstudy {number} ({kind}): {kills} kills, {repeated} attempts gone on with, {ended} trials ended")
