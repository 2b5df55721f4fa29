"""A study in the queue of a real Slurm, over several allocations to its end."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest

from ..study.command import STUDY, events_of, history_of, write_slow_study
from .one_node_slurm import lacking_daemons, one_node_slurm

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(
        bool(lacking_daemons()),
        reason=f"needs {', '.join(lacking_daemons())}: apt install slurmctld slurmd slurm-client",
    ),
]
_PATIENCE_S = 1800.0
"""Slurm lets a job that was queued again wait for two minutes."""


def submit(folder: Path, environment: dict[str, str], *words: str) -> str:
    """Submit the study of a folder, and give its job's number."""
    words = ("--storage", str(folder / "studies"), *words)
    said = subprocess.run(
        [STUDY, "submit", "tiny.yaml", "--slurm", *words, "--format", "json"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return str(json.loads(said.stdout)["job"])


def state_of(job: str, environment: dict[str, str]) -> str:
    """A job's state, as Slurm names it."""
    words = ["scontrol", "--oneliner", "show", "job", job]
    said = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    facts = dict(fact.split("=", 1) for fact in said.stdout.split() if "=" in fact)
    return facts["JobState"]


def wait_for_end(job: str, environment: dict[str, str]) -> str:
    """Wait until a job has ended, and give the state in which it did."""
    until = time.monotonic() + _PATIENCE_S
    while (state := state_of(job, environment)) in ("PENDING", "RUNNING", "COMPLETING", "REQUEUED"):
        assert time.monotonic() < until, state
        time.sleep(2)
    return state


def test_a_study_longer_than_its_allocations_goes_on_from_one_to_the_next(tmp_path: Path) -> None:
    slurm = tmp_path / "slurm"
    slurm.mkdir()
    write_slow_study(tmp_path, pause_s=0.25, epochs=8, points=16, pruner={"name": "none"})
    with one_node_slurm(slurm) as environment:
        job = submit(tmp_path, environment, "--time", "2")
        ended = wait_for_end(job, environment)
        output = (tmp_path / f"tiny-{job}.out").read_text()
    assert ended == "COMPLETED", output
    history = history_of(tmp_path)
    reasons = [session.reason for session in history.sessions]
    assert len(reasons) >= 3, reasons
    assert reasons == ["interrupted"] * (len(reasons) - 1) + ["complete"]
    assert output.count("goes on in another turn") == len(reasons) - 1
    assert [point.state for point in history.points] == ["COMPLETE"] * 16
    for trial in history.trials:
        assert [row["epoch"] for row in trial.rows] == list(range(1, 9))


def test_a_job_that_is_cancelled_is_not_queued_again(tmp_path: Path) -> None:
    slurm = tmp_path / "slurm"
    slurm.mkdir()
    write_slow_study(tmp_path, pause_s=0.25, epochs=40, points=16)
    with one_node_slurm(slurm) as environment:
        job = submit(tmp_path, environment, "--time", "30")
        until = time.monotonic() + _PATIENCE_S
        while not has_reported(tmp_path):
            assert time.monotonic() < until
            time.sleep(1)
        subprocess.run(["scancel", job], env=environment, check=True)
        assert wait_for_end(job, environment) == "CANCELLED"
    history = history_of(tmp_path)
    assert len(history.sessions) == 1
    assert not any(trial.state == "FAIL" for trial in history.trials)


def has_reported(folder: Path) -> bool:
    """Whether the study is there and an epoch of it is done."""
    return any(event["event"] == "reported" for event in events_of(folder))
