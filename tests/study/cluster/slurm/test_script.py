"""The script itself, run by a shell, with stand-ins for Slurm's commands and for the driver."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from study.cluster.job_request import JobRequest
from study.cluster.slurm.allocation import Allocation
from study.cluster.slurm.script import job_script
from study.errors import UserError

_FILE = "study: tiny\nquestion: \"what is $(touch /tmp/run-by-mistake) and `id` 'worth'?\"\n"
_PATIENCE_S = 60.0

_PYTHON = """#!/bin/bash
# Stands for Python: notes what it is asked, and ends as DRIVER says once it is the driver.
echo "${RAY_AUTH_TOKEN:-no token} $*" >> "$STAND_INS/asked"
case "$*" in
    *token_hex*) echo secret ;;
    *s.bind*) echo 6379 ;;
    *ray.scripts*) exec sleep 1 ;;
    *study.cli*)
        cp "$4" "$STAND_INS/study-file"
        dirname "$4" > "$STAND_INS/work"
        while [[ $SLURM_NNODES -gt 1 ]] && ! grep -q -e --address= "$STAND_INS/asked"; do
            sleep 0.02  # the other nodes' Ray begins beside the driver
        done
        case "$DRIVER" in
            ends-by-*) exit "${DRIVER#ends-by-}" ;;
        esac
        trap 'kill $!; exit 130' TERM
        sleep 60 &
        touch "$STAND_INS/drives"
        wait $! ;;
esac
"""
_SRUN = """#!/bin/bash
while [[ $1 == --* ]]; do shift; done
exec "$@"
"""
_SCONTROL = """#!/bin/bash
echo "$*" >> "$STAND_INS/asked-of-scontrol"
"""


@dataclass
class Turn:
    """One turn of a study: its script, which runs."""

    process: subprocess.Popen[bytes]
    folder: Path

    def wait_for_driver(self) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not (self.folder / "drives").exists():
            assert time.monotonic() < until
            time.sleep(0.02)

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        return self.process.wait(timeout=_PATIENCE_S)

    @property
    def is_queued_again(self) -> bool:
        noted = self.folder / "asked-of-scontrol"
        return noted.exists() and noted.read_text() == "requeue 17\n"

    @property
    def asked(self) -> list[str]:
        return (self.folder / "asked").read_text().splitlines()

    @property
    def work(self) -> Path:
        """The turn's own folder."""
        return Path((self.folder / "work").read_text().strip())


@dataclass
class Slurm:
    """Starts turns, with stand-ins in the path."""

    folder: Path

    def start(self, driver: str, *, setup: str = "", nodes: int = 1) -> Turn:
        for name, text in (("python", _PYTHON), ("srun", _SRUN), ("scontrol", _SCONTROL)):
            path = self.folder / name
            path.write_text(text)
            path.chmod(0o755)
        request = JobRequest("tiny", "/shared", study_file=_FILE, options={"keep_going": True})
        script = self.folder / "script"
        script.write_text(
            job_script(
                request,
                Allocation(nodes=nodes),
                setup=setup,
                python=str(self.folder / "python"),
            )
        )
        environment = {
            **os.environ,
            "PATH": f"{self.folder}:{os.environ['PATH']}",
            "STAND_INS": str(self.folder),
            "DRIVER": driver,
            "SLURM_JOB_ID": "17",
            "SLURM_NNODES": str(nodes),
            "SLURMD_NODENAME": "node-1",
        }
        process = subprocess.Popen(
            ["bash", str(script)],
            env=environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.turns.append(process)
        return Turn(process, self.folder)

    def __post_init__(self) -> None:
        self.turns: list[subprocess.Popen[bytes]] = []


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[Slurm]:
    folder = tmp_path / "stand-ins"
    folder.mkdir()
    made = Slurm(folder)
    yield made
    for turn in made.turns:
        if turn.poll() is None:
            os.killpg(turn.pid, signal.SIGKILL)
            turn.wait()


def test_a_complete_study_ends_the_job(slurm: Slurm) -> None:
    turn = slurm.start("ends-by-0")
    assert turn.end() == 0
    assert not turn.is_queued_again
    assert not turn.work.exists()
    (driver,) = turn.asked
    assert driver.endswith("tiny.yaml --storage /shared --keep-going")
    assert (slurm.folder / "study-file").read_text() == _FILE
    assert not Path("/tmp/run-by-mistake").exists()


def test_the_warning_closes_the_study_and_queues_it_again(slurm: Slurm) -> None:
    turn = slurm.start("until-it-is-told")
    turn.wait_for_driver()
    turn.send(signal.SIGUSR1)
    assert turn.end() == 130
    assert turn.is_queued_again
    assert not turn.work.exists()


def test_a_job_that_is_cancelled_closes_the_study_and_waits_for_its_end(slurm: Slurm) -> None:
    turn = slurm.start("until-it-is-told")
    turn.wait_for_driver()
    turn.send(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):
        turn.process.wait(timeout=1)
    turn.send(signal.SIGTERM)  # nobody waits for long
    assert turn.end() == 130
    assert not turn.is_queued_again
    assert not turn.work.exists()


@pytest.mark.parametrize(
    ("driver", "lasted", "again"),
    [
        ("ends-by-130", 1000, False),  # the user stopped it
        ("ends-by-2", 1000, False),  # a mistake comes again
        ("ends-by-3", 0, False),  # and so does a fault at once
        ("ends-by-3", 1000, True),
    ],
)
def test_only_what_may_go_better_later_is_queued_again(
    slurm: Slurm, driver: str, lasted: int, again: bool
) -> None:
    turn = slurm.start(driver, setup=f"SECONDS={lasted}")
    assert turn.end() == int(driver.rpartition("-")[2])
    assert turn.is_queued_again == again


def test_several_nodes_are_one_ray_with_a_token_that_no_command_line_shows(slurm: Slurm) -> None:
    turn = slurm.start("ends-by-0", nodes=2)
    assert turn.end() == 0
    asked = [line for line in turn.asked if "-c import" not in line]
    assert all(line.startswith("secret ") for line in asked)
    assert not any("secret" in line.removeprefix("secret ") for line in asked)
    head, node = (
        next(line for line in asked if "ray.scripts" in line and words in line)
        for words in ("--head", "--address=")
    )
    address = node.rpartition("--address=")[2]
    assert f"--port={address.rpartition(':')[2]}" in head
    assert f"secret -m study.cluster.slurm.nodes {address} 2" in asked
    assert any("study.cli" in line and line.endswith(f"--address {address}") for line in asked)


def test_a_study_file_that_would_end_itself_in_the_script_is_refused() -> None:
    request = JobRequest("tiny", "/shared", study_file="question: |\n  END-OF-STUDY-FILE\n  id\n")
    with pytest.raises(UserError, match="must not hold END-OF-STUDY-FILE"):
        job_script(request, Allocation())
