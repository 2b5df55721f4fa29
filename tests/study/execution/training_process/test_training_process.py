"""An attempt's process ends with its worker, whatever it does and however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from study.execution.training_process.training_process import Nursery, TrainingProcess
from study.files.local_storage import LocalPath

from .attempt_requests import request_of

WAIT_S = 300
TRAINING = """
import subprocess, time
def train(config, session):
    subprocess.Popen(["sleep", "7654.32"], start_new_session=True)
    session.report({"loss": 1.0})
    time.sleep(7654)
"""
WORKER = """
import sys, time
from pathlib import Path
from tests.study.execution.training_process.test_training_process import begin
from study.execution.training_process.training_process import Nursery
nursery = Nursery()
process = begin(nursery, Path(sys.argv[1]))
said = [process.next_message(300), process.next_message(300)]
assert said[1]["kind"] == "reported", said
print(nursery._process.pid, flush=True)
time.sleep(7654)
"""


def begin(nursery: Nursery, folder: Path) -> TrainingProcess:
    (folder / "sleeping.py").write_text(TRAINING)
    request = dict(request_of("sleeping:train", folder, path=[str(folder)]))
    return TrainingProcess(nursery, request, LocalPath(folder / "output.txt"))


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


def test_an_order_ends_it_with_all_that_it_began(nursery: Nursery, tmp_path: Path) -> None:
    process = begin(nursery, tmp_path)
    said = [process.next_message(WAIT_S), process.next_message(WAIT_S)]
    assert [message and message["kind"] for message in said] == ["placed", "reported"]
    family = psutil.Process(nursery._process.pid).children(recursive=True)
    assert len(family) == 2
    process.kill()
    assert process.ending is not None
    assert process.ending.exit_code == -signal.SIGKILL
    assert process.ending.peak_bytes > 0
    assert not any(child.is_running() for child in family)
    process.leave(is_done=True)


@pytest.mark.parametrize("killed", ["worker", "nursery"])
def test_nothing_outlives_a_worker_or_its_nursery_that_was_killed(
    killed: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4]) as worker:
        assert worker.stdout is not None
        nursery = psutil.Process(int(worker.stdout.readline()))
        child = next(each for each in nursery.children() if "sleep" not in each.name())
        os.kill(worker.pid if killed == "worker" else nursery.pid, signal.SIGKILL)
        deadline = time.monotonic() + WAIT_S
        while any(_is_alive(process) for process in (nursery, child)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        worker.kill()
    left = [each for each in psutil.process_iter(["cmdline"]) if "7654.32" in _words(each)]
    for process in left:
        process.kill()
    assert not left or killed == "nursery"


def _words(process: psutil.Process) -> list[str]:
    return process.info["cmdline"] or []


def _is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
