"""Another Ray on the machine is neither joined nor disturbed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .command import history_of, run, write_study

PORT = 17399
LOOK = f"""
import ray
ray.init(address="127.0.0.1:{PORT}", log_to_driver=False)
from ray._private.state import jobs
print("NODES", len([n for n in ray.nodes() if n["Alive"]]), "JOBS", len(jobs()))
"""


@pytest.fixture
def other_ray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("other") / "r"
    command = f"start --head --block --port={PORT} --num-cpus=1 --include-dashboard=false --disable-usage-stats"
    log = (folder.parent / "log").open("w")
    process = subprocess.Popen(
        [str(Path(sys.executable).with_name("ray")), *command.split(), f"--temp-dir={folder}"],
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=os.environ | {"RAY_ENABLE_METRICS_COLLECTION": "0"},
    )
    deadline = time.monotonic() + 90
    while look() == "" and time.monotonic() < deadline:
        time.sleep(0.5)
    yield
    process.terminate()
    process.wait(timeout=60)
    log.close()


def look() -> str:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", LOOK], capture_output=True, text=True, check=False)
    return next((line for line in done.stdout.splitlines() if line.startswith("NODES")), "")


def test_a_study_runs_beside_another_ray_and_leaves_it_alone(other_ray: None, tmp_path: Path) -> None:
    before = look()
    assert before.startswith("NODES 1 ")
    write_study(tmp_path, points=2, pruner="none")
    run(tmp_path, "run", "tiny.yaml")
    assert [point.state for point in history_of(tmp_path).points] == ["COMPLETE"] * 2
    after = look()
    nodes, jobs = before.split()[1], int(before.split()[3])
    assert after.split()[1] == nodes
    # looking makes a job of its own; the study made none
    assert int(after.split()[3]) == jobs + 1
