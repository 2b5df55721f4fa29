"""Where a worker is, by the names of the journal."""

from __future__ import annotations

import os
import socket

from study.journal.events import Placement


def place_of(device: str, device_bytes: int | None = None) -> Placement:
    """Return where this worker trains, on a device of this name and memory."""
    place = Placement(host=socket.gethostname(), node=node_id(), pid=os.getpid(), device=device)
    if device_bytes is not None:
        place["device_bytes"] = device_bytes
        place["gpu"] = gpu_name()
    return place


def node_id() -> str:
    """Return Ray's id of this node."""
    import ray

    return str(ray.get_runtime_context().get_node_id())


def gpu_name() -> str:
    """Return which of the node's GPUs Ray gave this worker; it sets the variable for each."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "")
