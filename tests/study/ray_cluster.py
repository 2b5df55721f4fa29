"""A real Ray cluster on loopback in processes of its own: a head with a dashboard, and two
workers.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

HOST = """
import json, pathlib, sys
from ray.cluster_utils import Cluster
dashboard, gcs, agent, folder, cpus, workers = json.loads(sys.argv[1])
small = {"object_store_memory": 100 * 2**20}
ports = {"dashboard_port": dashboard, "gcs_server_port": gcs, "dashboard_agent_listen_port": agent}
head = {"num_cpus": cpus, "include_dashboard": True, "temp_dir": folder, **ports, **small}
cluster = Cluster(initialize_head=True, head_node_args=head)
# as ``ray start`` leaves it: jobs find their cluster by it
pathlib.Path(folder, "ray_current_cluster").write_text(cluster.address)
for worker in workers:
    cluster.add_node(**worker, **small)
print(json.dumps({"gcs": cluster.address}), flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@dataclass(frozen=True)
class RayCluster:
    dashboard: str
    gcs: str
    environment: Mapping[str, str]


def free_port() -> int:
    """A port that nobody has, outside the range that Ray's own workers take theirs from."""
    while True:
        port = random.randrange(21_000, 32_000)
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


@contextmanager
def ray_cluster(
    workers: list[dict[str, Any]], head_cpus: int = 0, **environment: str
) -> Iterator[RayCluster]:
    """The cluster, ready for jobs; gone at the end of the block."""
    ports, folder = (
        [free_port() for _ in range(3)],
        tempfile.mkdtemp(prefix="ray-test-", dir="/tmp"),
    )
    process = subprocess.Popen(
        [sys.executable, "-c", HOST, json.dumps([*ports, folder, head_cpus, workers])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={key: value for key, value in os.environ.items() if key != "RAY_ADDRESS"} | environment,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = next(line for line in process.stdout if line.startswith("{"))
        yield RayCluster(f"http://127.0.0.1:{ports[0]}", json.loads(said)["gcs"], environment)
    finally:
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)
