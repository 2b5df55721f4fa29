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
from ray._common.utils import get_default_ray_temp_dir
from ray.cluster_utils import Cluster
dashboard, gcs, agent, folder, cpus, workers = json.loads(sys.argv[1])
small = {"object_store_memory": 100 * 2**20}
ports = {"dashboard_port": dashboard, "gcs_server_port": gcs, "dashboard_agent_listen_port": agent}
head = {"num_cpus": cpus, "include_dashboard": True, "temp_dir": folder, **ports, **small}
# the head's address is written there, too, where nothing on this machine has used Ray yet
pathlib.Path(get_default_ray_temp_dir()).mkdir(parents=True, exist_ok=True)
cluster = Cluster(initialize_head=True, head_node_args={**head, "wait": False})
# as ``ray start`` leaves it: jobs find their cluster by it
pathlib.Path(folder, "ray_current_cluster").write_text(cluster.address)
for worker in workers:
    cluster.add_node(wait=False, **worker, **small)
cluster.wait_for_nodes(timeout=3600)  # whoever waits for this process says when it is enough
print(json.dumps({"gcs": cluster.address}), flush=True)
sys.stdin.read()
cluster.shutdown()
"""
STARTS = 5
"""Ray itself waits for a node for half a minute, which a busy machine may exceed: then once more."""


@dataclass(frozen=True)
class RayCluster:
    dashboard: str
    gcs: str
    environment: Mapping[str, str]
    folder: str
    """Where Ray keeps its own files."""


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
    process, cluster = _started(workers, head_cpus, environment)
    try:
        yield cluster
    finally:
        _end(process)
        shutil.rmtree(cluster.folder, ignore_errors=True)


def _started(
    workers: list[dict[str, Any]], head_cpus: int, environment: Mapping[str, str]
) -> tuple[subprocess.Popen[str], RayCluster]:
    for _ in range(STARTS):
        ports = [free_port() for _ in range(3)]
        folder = tempfile.mkdtemp(prefix="ray-test-", dir="/tmp")
        process = subprocess.Popen(
            [sys.executable, "-c", HOST, json.dumps([*ports, folder, head_cpus, workers])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
            | environment,
        )
        assert process.stdout is not None
        said = next((line for line in process.stdout if line.startswith("{")), None)
        if said is not None:
            dashboard = f"http://127.0.0.1:{ports[0]}"
            return process, RayCluster(dashboard, json.loads(said)["gcs"], environment, folder)
        _end(process)
        shutil.rmtree(folder, ignore_errors=True)
    raise RuntimeError(f"no Ray cluster came up in {STARTS} starts")


def _end(process: subprocess.Popen[str]) -> None:
    """The end of its input is the cluster's end."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    process.wait()
    process.stdout.close()
