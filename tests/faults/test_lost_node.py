"""A node that is lost under its trials, on a real cluster of two on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from study.journal.history import History
from study.journal.trials import Attempt
from study.results.attempts import repeated_seconds

from ..study.command import (
    check_exact,
    events_of,
    history_of,
    outcome,
    run,
    start,
    wait_for,
    write_slow_study,
)
from ..study.ray_cluster import free_port

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1200), pytest.mark.filterwarnings("default")]

SOON_S = 30.0
"""After Ray has noticed that a node is gone its trials must be started again within this time."""


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head node with one CPU and a second node with two."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=2)
    yield made
    made.shutdown()


def study(folder: Path, points: int = 6) -> Path:
    folder.mkdir()
    few = {"points": points, "concurrency": 3, "pruner": "none", "keep_checkpoints": "none"}
    write_slow_study(folder, pause_s=0.05, epochs=10, **few)
    return folder


def kill_with_its_workers(raylet: psutil.Process) -> None:
    family = [raylet, *raylet.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def kill_alone(raylet: psutil.Process) -> None:
    """Its workers live on, held still until their trials run elsewhere, and then speak up."""
    for worker in workers(raylet):
        worker.suspend()
    raylet.kill()


def terminate(raylet: psutil.Process) -> None:
    """As a spot machine is told to go."""
    raylet.send_signal(signal.SIGTERM)


def workers(raylet: psutil.Process) -> list[psutil.Process]:
    names = ("ray::TrialWorker", "ray::ResourceTrainable")
    return [child for child in raylet.children() if " ".join(child.cmdline()).startswith(names)]


@pytest.mark.parametrize("end", [kill_with_its_workers, kill_alone, terminate])
def test_a_study_outlives_one_of_its_nodes(
    cluster: Any,
    tmp_path: Path,
    end: Callable[[psutil.Process], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    second = next(iter(cluster.worker_nodes))
    whole, hurt = study(tmp_path / "whole"), study(tmp_path / "hurt")
    process = start(hurt, "run", "tiny.yaml", "--address", cluster.address)

    def at_work_there() -> set[int]:
        assert process.poll() is None, process.communicate()[0]
        events = events_of(hurt)
        reported = {event["trial"] for event in events if event["event"] == "reported"}
        there = {
            event["trial"]
            for event in events
            if event["event"] == "placed" and event["node"] == second.node_id
        }
        return there & reported

    wait_for(at_work_there, "a trial on the second node")
    raylet = psutil.Process(second.all_processes["raylet"][0].process.pid)
    orphans = workers(raylet)
    killed = time.time()
    end(raylet)
    second.all_processes["raylet"][0].process.wait()
    wait_for(lambda: not is_alive(cluster, second.node_id), "Ray to notice")
    noticed = time.time()
    wait_for(
        lambda: [e for e in events_of(hurt) if e["event"] == "reported" and e["attempt"] > 1],
        "a trial to go on",
    )
    for orphan in orphans:
        with suppress(psutil.NoSuchProcess):
            orphan.resume()
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    history = history_of(hurt)
    check_exact(history)
    failures = [
        attempt.failure for trial in history.trials for attempt in trial.attempts if attempt.failure
    ]
    lost = {"node"} if end is not terminate else set()  # whoever was told to go has not failed
    assert {failure.failure_class for failure in failures} == lost
    if end is terminate:
        assert set_aside(history)
    assert first_again(hurt, "started") - noticed < SOON_S
    run(whole, "run", "tiny.yaml")
    assert [point[1:] for point in outcome(history)] == [
        point[1:] for point in outcome(history_of(whole))
    ]
    with capsys.disabled():
        print(
            f"\n{end.__name__}: {len(failures)} trials lost their worker; Ray noticed after"
            f" {noticed - killed:.1f} s, {first_again(hurt, 'started') - killed:.1f} s after the"
            f" loss a trial was started again, and {first_again(hurt, 'placed') - killed:.1f} s"
            " after it had a worker"
        )


def tell_to_go(cluster: Any, node: str, left_s: float) -> None:
    """Drain a node as an autoscaler does, and as ``ray start --block`` does after a SIGTERM."""
    from ray._raylet import GcsClient
    from ray.core.generated.autoscaler_pb2 import DrainNodeReason

    end_ms = int(1000 * (time.time() + left_s))
    accepted, why = GcsClient(address=cluster.address).drain_node(
        node, DrainNodeReason.DRAIN_NODE_REASON_PREEMPTION, "the machine is wanted back", end_ms
    )
    assert accepted, why


def set_aside(history: History) -> list[Attempt]:
    """The attempts that were set aside, none of which had failed."""
    attempts = [attempt for trial in history.trials for attempt in trial.attempts]
    found = [attempt for attempt in attempts if attempt.set_aside]
    assert {attempt.set_aside for attempt in found} <= {"node-leaving"}
    assert not [attempt for attempt in found if attempt.failure]
    return found


def test_a_node_that_is_told_to_go_hands_its_trials_over(
    cluster: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = next(iter(cluster.worker_nodes))
    whole, hurt = study(tmp_path / "whole"), study(tmp_path / "hurt")
    process = start(hurt, "run", "tiny.yaml", "--address", cluster.address)

    def both_at_work_there() -> bool:
        assert process.poll() is None, process.communicate()[0]
        there = [
            trial
            for trial in history_of(hurt).trials
            if trial.is_in_flight and trial.attempt.node == second.node_id and trial.epochs
        ]
        return len(there) == 2

    wait_for(both_at_work_there, "two trials on the second node")
    told = time.time()
    tell_to_go(cluster, second.node_id, left_s=120)
    wait_for(lambda: len(set_aside(history_of(hurt))) == 2, "both to be handed over")
    handed_over = time.time()
    wait_for(lambda: not is_alive(cluster, second.node_id), "the node to go by itself")
    gone = time.time()
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    assert "is told to go within" in said
    history = history_of(hurt)
    check_exact(history)
    failed = [a for trial in history.trials for a in trial.attempts if a.failure]
    assert failed == []
    assert not any(attempt.is_broken_off for attempt in set_aside(history))
    for trial in history.trials:
        assert repeated_seconds(trial) == 0
        assert all(row["node"] != second.node_id for row in later_attempts(hurt, trial.number))
    run(whole, "run", "tiny.yaml")
    assert [point[1:] for point in outcome(history)] == [
        point[1:] for point in outcome(history_of(whole))
    ]
    with capsys.disabled():
        print(
            f"\ntold to go: both trials handed over after {handed_over - told:.1f} s, the node gone"
            f" by itself after {gone - told:.1f} s"
        )


@contextmanager
def node_in_the_foreground(*words: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A node as a container runs it."""
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("ray")), "start", *words, "--block"],
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=120)


def test_a_container_that_gets_a_sigterm_hands_its_trials_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its first process is ``ray start --block``, which drains the node and waits."""
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0123456789abcdef" * 4)
    hurt, port, second = study(tmp_path / "hurt", points=12), free_port(), "e" * 56
    of_head = (f"--port={port}", "--num-cpus=1", "--include-dashboard=false")
    of_second = {
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": second,
        "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "90",
    }
    with (
        TemporaryDirectory(prefix="ray-test-", dir="/tmp", ignore_cleanup_errors=True) as folder,
        node_in_the_foreground("--head", *of_head, f"--temp-dir={folder}"),
    ):
        wait_for(lambda: is_heard(port), "the head")
        joining = (f"--address=127.0.0.1:{port}", "--num-cpus=2")
        with node_in_the_foreground(*joining, **of_second) as container:
            address = ("--address", f"127.0.0.1:{port}")
            process = start(hurt, "run", "tiny.yaml", *address, "--wait-for-nodes")

            def is_at_work_there() -> bool:
                assert process.poll() is None, process.communicate()[0]
                trials = history_of(hurt).trials if (hurt / "studies").exists() else []
                running = [trial for trial in trials if trial.is_in_flight and trial.epochs]
                return any(trial.attempt.node == second for trial in running)

            wait_for(is_at_work_there, "a trial in the container")
            container.send_signal(signal.SIGTERM)
            told = time.time()
            container.wait(timeout=120)
            gone = time.time()
            said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    history = history_of(hurt)
    check_exact(history, 12)
    left = set_aside(history)
    assert left
    assert {(attempt.node, attempt.is_broken_off) for attempt in left} == {(second, False)}
    assert not [a for trial in history.trials for a in trial.attempts if a.failure]
    with capsys.disabled():
        print(f"\nSIGTERM to ray start --block: gone after {gone - told:.1f} s of 90 s")


def is_heard(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False


def later_attempts(folder: Path, trial: int) -> list[dict[str, Any]]:
    """Where a trial's attempts after its first were placed."""
    return [
        event
        for event in events_of(folder)
        if event["event"] == "placed" and event["trial"] == trial and event["attempt"] > 1
    ]


def first_again(folder: Path, kind: str) -> float:
    """When the first event of that kind came that belongs to a second attempt."""
    return min(
        event["time"]
        for event in events_of(folder)
        if event["event"] == kind and event["attempt"] > 1
    )


def is_alive(cluster: Any, node: str) -> bool:
    return any(
        known["NodeID"] == node and known["Alive"] for known in cluster.global_state.node_table()
    )
