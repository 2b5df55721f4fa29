"""Trials of several workers, of which one is lost: its process, its place, its node."""

from __future__ import annotations

import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from ..study.command import (
    check_exact,
    count,
    events_of,
    history_of,
    outcome,
    run,
    start,
    wait_for,
    write_slow_study,
    write_study,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800), pytest.mark.filterwarnings("default")]

KILLS = 4
FEW: dict[str, Any] = {"points": 4, "concurrency": 1, "keep_checkpoints": "none"}


def write(folder: Path, **changes: Any) -> Path:
    folder.mkdir()
    changes = {"resources": {"workers": 2}, "pruner": "none", **FEW, **changes}
    write_slow_study(folder, pause_s=0.02, epochs=6, **changes)
    return folder


def family(process: Any) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def is_nursery(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return any("training_process.nursery" in word for word in process.cmdline())
    return False


def of_kind(process: Any, kind: str) -> list[psutil.Process]:
    """The workers' processes that train, or the actors around them."""
    found = []
    for each in family(process):
        with suppress(psutil.Error):
            trains = is_nursery(each) and is_nursery(each.parent() or each)
            if kind == "process" and trains:
                found.append(each)
            if kind != "process" and " ".join(each.cmdline()).startswith(kind):
                found.append(each)
    return found


@pytest.mark.parametrize("number", range(10))
def test_workers_that_are_killed_at_random_moments_cost_nothing(
    number: int, tmp_path: Path
) -> None:
    chance = random.Random(number)
    hurt, whole = write(tmp_path / "hurt"), write(tmp_path / "whole")
    driver = start(hurt, "run", "tiny.yaml")
    seen: set[int] = set()
    kinds = ["process", "process", "ray::ProcessHost", "ray::"]
    chance.shuffle(kinds)
    for kind in kinds[:KILLS]:
        target = count(hurt, "reported") + chance.randrange(3)
        while driver.poll() is None and count(hurt, "reported") <= target:
            seen |= {each.pid for each in family(driver)}
            time.sleep(0.05)
        time.sleep(chance.random() * 0.3)
        victims = of_kind(driver, kind)
        if driver.poll() is None and victims:
            with suppress(psutil.NoSuchProcess):
                chance.choice(victims).send_signal(signal.SIGKILL)
    said, _ = driver.communicate(timeout=900)
    assert driver.returncode == 0, said
    run(whole, "run", "tiny.yaml")
    history = history_of(hurt)
    check_exact(history, FEW["points"])
    assert outcome(history) == outcome(history_of(whole))
    failures = [e["failure"] for e in events_of(hurt) if e["event"] == "failed"]
    assert {failure["class"] for failure in failures} <= {"node"}
    assert failures
    wait_for(lambda: not [pid for pid in seen if trains(pid)], "every process to be gone")


def trains(pid: int) -> bool:
    with suppress(psutil.Error):
        return is_nursery(psutil.Process(pid))
    return False


def test_a_trial_that_spans_two_nodes_goes_on_with_fewer_workers(tmp_path: Path) -> None:
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    second = cluster.add_node(num_cpus=1)
    try:
        folder = tmp_path / "hurt"
        model = {"name": "slow:factory", "options": {"pause_s": 0.05}, "sync_norm": True}
        data = {"name": "digits", "train_images": 400, "batch_size": 32}
        write(folder)  # and its network
        write_study(
            folder,
            recipe={"epochs": 20, "data": data, "model": model},
            resources={"workers": {"most": 2, "least": 1}},
            reproducible=False,
            pruner="none",
            **{**FEW, "points": 2},
        )
        driver = start(folder, "run", "tiny.yaml", "--address", cluster.address)
        wait_for(lambda: count(folder, "reported") >= 2, "epochs of two workers")
        placed = next(e for e in events_of(folder) if e["event"] == "placed")
        assert placed["workers"] == 2
        # whichever of its workers Ray has put there
        raylet = psutil.Process(second.all_processes["raylet"][0].process.pid)
        for process in [raylet, *raylet.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        said, _ = driver.communicate(timeout=600)
        assert driver.returncode == 0, said
        history = history_of(folder)
        check_exact(history, 2)
        first = history.trials[0]
        assert [attempt.workers for attempt in first.attempts] == [2, 1]
        assert first.attempts[0].failure is not None
        assert first.attempts[0].failure.failure_class == "node"
        assert first.attempts[1].epochs_before >= 2
        ray.init(address=cluster.address, log_to_driver=False)
        groups = ray.util.placement_group_table().values()
        assert {group["state"] for group in groups} == {"REMOVED"}
    finally:
        ray.shutdown()
        cluster.shutdown()


def test_asha_stops_trials_of_two_workers_where_it_stops_those_of_one(tmp_path: Path) -> None:
    asha = {"pruner": {"name": "asha", "min_epochs": 1, "reduction": 2}, "points": 8}
    alone = write(tmp_path / "alone", resources={"workers": 1}, **asha)
    shared = write(tmp_path / "shared", **asha)
    for folder in (alone, shared):
        run(folder, "run", "tiny.yaml")
    ends = [
        [(trial.point, trial.state, trial.epochs) for trial in history_of(folder).trials]
        for folder in (alone, shared)
    ]
    assert ends[0] == ends[1]
    assert any(state == "PRUNED" for _, state, _ in ends[0])
