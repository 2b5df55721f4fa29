"""A turn on two nodes, which here are two of Ray's on this machine: srun has a stand-in."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from study.cluster.job_request import JobRequest
from study.cluster.slurm.allocation import Allocation
from study.cluster.slurm.script import job_script

from ..study.command import history_of, write_study

pytestmark = pytest.mark.slurm

_SRUN = """#!/bin/bash
# Runs a step on this machine, and passes its end on to all its processes, as Slurm does.
while [[ $1 == --* ]]; do shift; done
setsid "$@" &
step=$!
trap 'kill -TERM -- "-$step"' TERM
wait "$step"
wait "$step"
"""


def test_a_turn_on_two_nodes_is_one_ray_that_is_gone_with_it(tmp_path: Path) -> None:
    stand_ins = tmp_path / "stand-ins"
    stand_ins.mkdir()
    srun = stand_ins / "srun"
    srun.write_text(_SRUN)
    srun.chmod(0o755)
    text = write_study(tmp_path, concurrency=2, resources={"cpus": 1}).read_text()
    request = JobRequest("tiny", str(tmp_path / "studies"), study_file=text)
    script = tmp_path / "script"
    script.write_text(job_script(request, Allocation(nodes=2, cpus=1)))
    environment = os.environ | {
        "PATH": f"{stand_ins}:{os.environ['PATH']}",
        "SLURM_JOB_ID": "17",
        "SLURM_NNODES": "2",
        "SLURMD_NODENAME": "node-1",
        "SLURM_CPUS_PER_TASK": "1",
    }
    before = set(Path("/tmp").glob("study-????????"))
    done = subprocess.run(
        ["bash", str(script)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    history = history_of(tmp_path)
    assert [session.reason for session in history.sessions] == ["complete"]
    nodes = {attempt.node for trial in history.trials for attempt in trial.attempts}
    assert len(nodes) == 2, nodes
    assert before == set(Path("/tmp").glob("study-????????"))
    assert not [found for found in psutil.process_iter() if str(tmp_path) in _words(found)]


def _words(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
