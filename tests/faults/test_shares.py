"""Three studies share a real cluster of three nodes by their weights, whatever is killed meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from study.errors import OutsideFault
from study.journal.history import History

from ..study.command import check_exact, count, events_of, history_of, outcome, run, start, wait_for
from ..study.command import write_slow_study as write

pytestmark = [pytest.mark.faults, pytest.mark.timeout(2400), pytest.mark.filterwarnings("default")]

SHARES = {"one": 1, "other": 1, "late": 2}
MEASURED_S = 60.0
POINTS = 20
SOON_S = 30.0
"""Within this time a driver ends whose node is lost."""


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head with room for one trial, and two nodes with room for two and for one."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.larger = made.add_node(num_cpus=2)
    made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def write_study(folder: Path, name: str, points: int = POINTS) -> Path:
    folder.mkdir()
    few = {"concurrency": 4, "pruner": "none", "keep_checkpoints": "none", "reproducible": True}
    share = SHARES.get(name, 1)
    write(folder, study=name, pause_s=0.1, epochs=10, points=points, share=share, **few)
    return folder


def launch(root: Path, name: str, address: str, verb: str = "run") -> subprocess.Popen[str]:
    what = f"{name}.yaml" if verb == "run" else name
    return start(root / name, verb, what, "--address", address)


def worker_seconds(history: History, begin: float, end: float) -> float:
    """For how long a study's trials had workers between two moments."""
    total = 0.0
    for trial in history.trials:
        for attempt in trial.attempts:
            if attempt.placed_at is not None:
                until = min(end, attempt.ended_at or end)
                total += max(0.0, until - max(begin, attempt.placed_at))
    return total


def set_aside(folder: Path, name: str) -> int:
    return sum(event["event"] == "set_aside" for event in events_of(folder, name))


def at_work(folder: Path, name: str) -> int:
    trials = history_of(folder, name).trials
    return sum(trial.is_in_flight and trial.attempt.placed_at is not None for trial in trials)


def kill_broker() -> None:
    """Kill the broker's process, wherever it runs."""
    brokers = [
        process
        for process in psutil.process_iter(["cmdline"])
        if " ".join(process.info["cmdline"] or ()).startswith("ray::BrokerActor")
    ]
    assert brokers, "there is a broker"
    for process in brokers:
        process.kill()


def exit_code_of(process: subprocess.Popen[str], until: float) -> int | None:
    """The exit code of a driver that ends until then; None of one that goes on."""
    with suppress(subprocess.TimeoutExpired):
        process.communicate(timeout=max(0.1, until - time.monotonic()))
    return process.returncode


def check_whole(folder: Path, name: str) -> None:
    """Nothing is lost, doubled or repeated beyond the epochs that were in work."""
    history = history_of(folder, name)
    check_exact(history, POINTS)
    for trial in history.trials:
        assert trial.state == "COMPLETE"
        for before, after in zip(trial.attempts, trial.attempts[1:], strict=False):
            reported = [row for row in trial.rows if row["attempt"] <= before.number]
            assert after.epochs_before == len(reported)
            if before.set_aside:
                assert before.failure is None
                assert after.differs_at is None


@pytest.mark.parametrize("killed", ["nothing", "broker", "driver", "node"])
def test_three_studies_share_three_nodes_by_their_weights(
    cluster: Any, tmp_path: Path, killed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in (*SHARES, "alone"):
        write_study(tmp_path / name, name)
    processes = {name: launch(tmp_path, name, cluster.address) for name in ("one", "other")}
    for name in processes:
        wait_for(lambda name=name: at_work(tmp_path / name, name) == 2, f"{name}'s half")
    processes["late"] = launch(tmp_path, "late", cluster.address)
    wait_for(lambda: at_work(tmp_path / "late", "late") == 2, "the late study's half")
    assert set_aside(tmp_path / "one", "one") + set_aside(tmp_path / "other", "other") >= 2
    if killed == "broker":
        kill_broker()
    elif killed == "driver":
        os.killpg(processes["one"].pid, signal.SIGKILL)
        processes["one"].communicate()
        processes["one"] = launch(tmp_path, "one", cluster.address, "resume")
        wait_for(lambda: count(tmp_path / "one", "opened", "one") == 2, "the next driver")
    elif killed == "node":
        second = cluster.larger
        raylet = psutil.Process(second.all_processes["raylet"][0].process.pid)
        for process in [raylet, *raylet.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        cluster.add_node(num_cpus=2)
        until = time.monotonic() + SOON_S
        for name, process in processes.items():
            if (
                exit_code_of(process, until) == OutsideFault.exit_code
            ):  # its own node was the lost one
                processes[name] = launch(tmp_path, name, cluster.address, "resume")
    for name in SHARES:
        due = SHARES[name]
        wait_for(lambda name=name, due=due: at_work(tmp_path / name, name) == due, f"{name}'s part")
    begin = time.time()
    wait_for(lambda: time.time() > begin + MEASURED_S, "the measurement")
    end = time.time()
    seconds = {
        name: worker_seconds(history_of(tmp_path / name, name), begin, end) for name in SHARES
    }
    with capsys.disabled():
        total = sum(seconds.values())
        parts = {name: f"{spent / total:.1%}" for name, spent in seconds.items()}
        sys.stdout.write(f"\nkilled {killed}: worker-seconds of 4 x {MEASURED_S:.0f} s: {parts}\n")
    for name, share in SHARES.items():
        assert seconds[name] == pytest.approx(MEASURED_S * share, rel=0.1)
    for name, process in processes.items():
        said, _ = process.communicate(timeout=1200)
        assert process.returncode == 0, said
        check_whole(tmp_path / name, name)
    run(tmp_path / "alone", "run", "alone.yaml")
    results = [outcome(history_of(tmp_path / name, name)) for name in (*SHARES, "alone")]
    assert all(result == results[-1] for result in results)
