"""Studies on Ray's own fake autoscaling cluster: it grows for them and shrinks after them, and nodes
are told to go and killed meanwhile.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from study.journal.history import History
from study.results.attempts import repeated_seconds

from ..study.command import check_exact, count, history_of, kill, outcome, run, start, wait_for
from ..study.command import write_slow_study as write
from .growing_cluster import TOKEN, Grown, growing_cluster, ray_command

pytestmark = [pytest.mark.faults, pytest.mark.timeout(2400), pytest.mark.filterwarnings("default")]

POINTS = 16
FEW = {"concurrency": 4, "pruner": "none", "keep_checkpoints": "none", "reproducible": True}


def study(folder: Path, name: str = "tiny", points: int = POINTS, epochs: int = 12) -> Path:
    folder.mkdir()
    write(folder, study=name, pause_s=0.1, epochs=epochs, points=points, **FEW)
    return folder


def launch(folder: Path, name: str, cluster: Grown) -> subprocess.Popen[str]:
    words = ("run", f"{name}.yaml", "--address", cluster.gcs, "--wait-for-nodes")
    return start(folder, *words, **TOKEN)


def nodes_at_work(history: History) -> set[str]:
    """Where trials have reported epochs, and run."""
    running = [trial for trial in history.trials if trial.is_in_flight and trial.epochs]
    return {trial.attempt.node for trial in running if trial.attempt.node}


def tell_to_go(cluster: Grown, node: str, left_s: int) -> None:
    words = ["drain-node", "--address", cluster.gcs, "--node-id", node]
    words += ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "spot"]
    words += ["--deadline-remaining-seconds", str(left_s)]
    subprocess.run([ray_command(), *words], check=True, env=os.environ | TOKEN)


def kill_with_its_workers(raylet: psutil.Process) -> None:
    for process in [raylet, *raylet.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def idle_share(history: History, cluster: Grown, nodes: set[str]) -> str:
    """How much of these nodes' time no trial held, from when they were there to the study's end."""
    end = history.sessions[-1].closed_at or 0.0
    spans = {node: cluster.span(node) for node in nodes}
    there = {node: max(0.0, min(last, end) - first) for node, (first, last) in spans.items()}
    held, before = dict.fromkeys(nodes, 0.0), dict.fromkeys(nodes, end)
    attempts = [attempt for trial in history.trials for attempt in trial.attempts]
    for attempt in attempts:
        if attempt.node in nodes and attempt.placed_at and attempt.ended_at:
            last = min(attempt.ended_at, spans[attempt.node][1])
            held[attempt.node] += max(0.0, last - attempt.placed_at)
            before[attempt.node] = min(before[attempt.node], attempt.placed_at)
    total = sum(there.values())
    started = sum(max(0.0, before[node] - spans[node][0]) for node in nodes)
    return (
        f"{len(nodes)} new nodes, there for {total:.0f} s until the study's end; trials held them for"
        f" {sum(held.values()):.0f} s: {1 - sum(held.values()) / total:.0%} idle,"
        f" {started / total:.0%} before the first trial's start"
    )


def test_a_cluster_grows_for_a_study_loses_nodes_and_shrinks_after_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hurt, whole = study(tmp_path / "hurt"), study(tmp_path / "whole")
    with growing_cluster(least=1, most=4) as cluster:
        wait_for(lambda: len(cluster.nodes) == 1, "the first node")
        first = set(cluster.nodes)
        process = launch(hurt, "tiny", cluster)

        def is_at_work_on(count: int) -> bool:
            assert process.poll() is None, process.communicate()[0]
            return len(nodes_at_work(history_of(hurt))) >= count

        wait_for(lambda: is_at_work_on(4), "four nodes at work")
        told, killed = sorted(nodes_at_work(history_of(hurt)) - first)[:2]
        tell_to_go(cluster, told, left_s=90)
        wait_for(lambda: told not in cluster.nodes, "the node to go by itself")
        wait_for(lambda: is_at_work_on(3), "the others at work")
        kill_with_its_workers(cluster.raylet(killed))
        said, _ = process.communicate(timeout=1200)
        assert process.returncode == 0, said
        wait_for(lambda: len(cluster.nodes) == 1, "the cluster to shrink")
        history = history_of(hurt)
        new = {node for look in cluster.seen for node in look["nodes"]} - first
        most = max(len(look["nodes"]) for look in cluster.seen)
        shares = idle_share(history, cluster, new)
    with capsys.disabled():
        sys.stdout.write(f"\nfrom one node to {most} and back: {shares}\n")
    assert most == 4
    assert len(new) >= 4, "one came in another's place"
    check_exact(history, POINTS)
    for trial in history.trials:
        assert trial.state == "COMPLETE"
        for attempt, after in zip(trial.attempts, trial.attempts[1:], strict=False):
            reported = [row for row in trial.rows if row["attempt"] <= attempt.number]
            assert after.epochs_before == len(reported)
            if attempt.node == killed:
                assert attempt.failure is not None
                assert attempt.failure.failure_class == "node"
            else:
                assert attempt.node == told
                assert (attempt.set_aside, attempt.failure) == ("node-leaving", None)
                assert not attempt.is_broken_off
                assert repeated_seconds(trial) == 0
    left = [a for trial in history.trials for a in trial.attempts if a.set_aside]
    assert left, "the node that was told to go had a trial"
    run(whole, "run", "tiny.yaml")
    assert outcome(history) == outcome(history_of(whole))


def test_two_studies_make_a_cluster_grow_that_has_no_room_for_either(tmp_path: Path) -> None:
    folders = {name: study(tmp_path / name, name, points=4, epochs=6) for name in ("one", "other")}
    with growing_cluster(least=0, most=4) as cluster:
        wait_for(lambda: bool(cluster.seen), "the head")
        processes = {name: launch(folder, name, cluster) for name, folder in folders.items()}
        for name, process in processes.items():
            said, _ = process.communicate(timeout=1200)
            assert process.returncode == 0, said
            check_exact(history_of(folders[name], name), 4)
        assert max(len(look["nodes"]) for look in cluster.seen) == 4
        wait_for(lambda: not cluster.nodes, "the cluster to shrink")


def test_a_driver_that_is_killed_holds_no_nodes(tmp_path: Path) -> None:
    folder = study(tmp_path / "hurt", epochs=100)
    with growing_cluster(least=0, most=2) as cluster:
        wait_for(lambda: bool(cluster.seen), "the head")
        process = launch(folder, "tiny", cluster)
        wait_for(lambda: count(folder, "reported") and len(cluster.nodes) == 2, "two nodes")
        kill(process)
        process.communicate()
        wait_for(lambda: not cluster.nodes, "the cluster to shrink")
