"""Another Ray on the machine is neither joined nor disturbed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ...command import DEADLINE_S, history_of, run, write_study

NEIGHBOR = """
import sys
import ray
from ray._private.state import jobs

ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, _node_ip_address="127.0.0.1")

@ray.remote
class Counter:
    count = 0
    def add(self):
        self.count += 1
        return self.count

counter = Counter.remote()
for line in sys.stdin:
    nodes = len([node for node in ray.nodes() if node["Alive"]])
    print("NODES", nodes, "JOBS", len(jobs()), "COUNT", ray.get(counter.add.remote()), flush=True)
"""


class Neighbor:
    """Someone else's Ray, the one last started on this machine, with an actor at work."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", NEIGHBOR],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def look(self) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print("look", file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("NODES"):
                return line.strip()
        raise AssertionError("the neighbor is gone")

    def leave(self) -> None:
        self._process.communicate(timeout=DEADLINE_S)  # the end of its input is its end


@pytest.fixture
def neighbor() -> Iterator[Neighbor]:
    other = Neighbor()
    yield other
    other.leave()


def test_a_study_runs_beside_another_ray_and_leaves_it_alone(
    neighbor: Neighbor, tmp_path: Path
) -> None:
    assert neighbor.look() == "NODES 1 JOBS 1 COUNT 1"
    write_study(tmp_path, points=2, pruner="none")
    run(tmp_path, "run", "tiny.yaml")
    assert [point.state for point in history_of(tmp_path).points] == ["COMPLETE"] * 2
    assert neighbor.look() == "NODES 1 JOBS 1 COUNT 2"
