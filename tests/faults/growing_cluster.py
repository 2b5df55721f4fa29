"""Ray's own fake autoscaling cluster in processes of its own: its autoscaler and its provider of
fake nodes, which are real raylets on this machine.

Run as a module it starts one, says each half second which nodes there are, and ends it with its
input. Ray's ``AutoscalingCluster`` does as much, but for two things: it needs a file that Ray's
wheels lack, so that the provider is named as an external one here; and it begins and ends with
``ray stop``, which ends every Ray of the machine. Here processes are found by their folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from ..study.ray_cluster import free_port

ROOT = Path(__file__).parent.parent.parent
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4}
HEAD_ID = "f" * 51 + "00000"
PROVIDER = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
MEMORY = 80 * 2**20
"""Bytes of each node's object store, in which a study keeps next to nothing."""
LISTS = (
    "initialization_commands",
    "setup_commands",
    "head_setup_commands",
    "worker_setup_commands",
    "head_start_ray_commands",
    "worker_start_ray_commands",
    "cluster_synced_files",
    "rsync_exclude",
    "rsync_filter",
)


def configuration(gcs: str, least: int, most: int) -> dict[str, Any]:
    """A head without CPUs, and from ``least`` to ``most`` nodes of one."""
    worker = {"resources": {"CPU": 1, "object_store_memory": MEMORY}, "node_config": {}}
    return {
        "cluster_name": "growing",
        "max_workers": most,
        "provider": {
            "type": "external",
            "module": PROVIDER,
            "use_node_id_as_ip": True,
            "disable_node_updaters": True,
            "disable_launch_config_check": True,
            "gcs_address": gcs,
            "launch_multiple": True,
            "head_node_id": HEAD_ID,
        },
        "available_node_types": {
            "ray.head.default": {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {**worker, "min_workers": least, "max_workers": most},
        },
        "head_node_type": "ray.head.default",
        "idle_timeout_minutes": 0.2,
        "upscaling_speed": 1.0,
        "auth": {},
        "docker": {},
        "file_mounts": {},
        "file_mounts_sync_continuously": False,
        **{name: [] for name in LISTS},
    }


def start_head(folder: Path, least: int, most: int) -> str:
    """Start the head with Ray's autoscaler, and return its address."""
    import ray

    host, port = ray.util.get_node_ip_address(), free_port()
    config = folder / "autoscaling.json"
    config.write_text(json.dumps(configuration(f"{host}:{port}", least, most)))
    words = {
        "autoscaling-config": config,
        "port": port,
        "num-cpus": 0,
        "temp-dir": folder / "r",
        "object-store-memory": MEMORY,
        "include-dashboard": "false",
        "dashboard-agent-listen-port": 0,
        "min-worker-port": 0,
        "max-worker-port": 0,
    }
    told = {
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_FAKE_CLUSTER": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD_ID,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD_ID,
    }
    command = [ray_command(), "start", "--head", "--disable-usage-stats"]
    command += [f"--{name}={value}" for name, value in words.items()]
    subprocess.run(command, check=True, env=os.environ | told, stdout=subprocess.DEVNULL)
    return f"{host}:{port}"


def ray_command() -> str:
    return str(Path(sys.executable).with_name("ray"))


def end(folder: Path) -> None:
    """Kill the cluster's processes, which all have the folder in their words, and theirs."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if any(f"{folder}/" in word for word in process.cmdline()):
                for each in [*process.children(recursive=True), process]:
                    with suppress(psutil.NoSuchProcess):
                        each.kill()


def main(folder: str, least: str, most: str) -> None:
    import ray

    try:
        address = start_head(Path(folder), int(least), int(most))
        ray.init(address=address, logging_level="ERROR", log_to_driver=False)
        is_over = threading.Event()
        threading.Thread(target=lambda: (sys.stdin.read(), is_over.set()), daemon=True).start()
        while not is_over.wait(0.5):
            alive = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
            told = {"time": time.time(), "gcs": address, "nodes": sorted(alive)}
            print(json.dumps(told), flush=True)
    finally:
        end(Path(folder))


@dataclass
class Grown:
    """A cluster that grows, as it was seen until now."""

    folder: Path
    gcs: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)
    """Each half second: ``time`` and ``nodes``, the ids of the living ones but the head."""

    @property
    def nodes(self) -> set[str]:
        return set(self.seen[-1]["nodes"]) if self.seen else set()

    def span(self, node: str) -> tuple[float, float]:
        """When a node was first seen, and last."""
        times = [look["time"] for look in self.seen if node in look["nodes"]]
        return times[0], times[-1]

    def raylet(self, node: str) -> psutil.Process:
        """A node's process. Its id is known to its environment alone."""
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                is_ours = any(f"{self.folder}/" in word for word in process.cmdline())
                own = process.environ().get("RAY_OVERRIDE_NODE_ID_FOR_TESTING")
                if is_ours and process.name() == "raylet" and own == node:
                    return process
        raise LookupError(node)


@contextmanager
def growing_cluster(least: int, most: int) -> Iterator[Grown]:
    """The cluster, with ``least`` nodes beside its head; gone at the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="ray-grow-", dir="/tmp"))
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(folder), str(least), str(most)],
        cwd=ROOT,
        env=os.environ | TOKEN,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    grown = Grown(folder)

    def listen() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with suppress(ValueError):
                look = json.loads(line)
                look["nodes"] = [node for node in look["nodes"] if node != HEAD_ID]
                grown.gcs = look["gcs"]
                grown.seen.append(look)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        yield grown
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        listener.join()
        assert process.stdout is not None
        process.stdout.close()
        end(folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
