"""Where a worker is, by the names of the journal."""

from __future__ import annotations

import os
import socket

from study.journal.events import Placement
from study.spec.parts.tariff import Tariff


def place_on(device: str) -> Placement:
    """Return where this worker trains, on ``cpu`` or on ``cuda``."""
    import torch

    from study.training.runtime.device import gpu_software

    if device != "cuda":
        return place_of("cpu")
    found = torch.cuda.get_device_properties(device)
    return place_of(found.name, found.total_memory, gpu_software(torch.device(device)))


def place_of(device: str, device_bytes: int | None = None, software: str = "") -> Placement:
    """Return where this worker trains, on a device of this name and memory, by what versions."""
    place = Placement(host=socket.gethostname(), node=node_id(), pid=os.getpid(), device=device)
    if device_bytes is not None:
        place["device_bytes"] = device_bytes
        place["gpu"] = gpu_name()
    if software:
        place["software"] = software
    return place


def with_labels(place: Placement, tariff: Tariff | None) -> Placement:
    """Return a place with the labels of its node by which prices differ, as its driver knows them.

    No node is looked at where no price does.
    """
    if tariff is None or not tariff.label_names:
        return place
    labels = _node_labels(place["node"])
    known = {name: labels[name] for name in tariff.label_names if name in labels}
    return {**place, "labels": known}


def _node_labels(node: str) -> dict[str, str]:
    """Return the labels of the node with this id, Ray's own among them."""
    import ray

    found = [known["Labels"] for known in ray.nodes() if known["NodeID"] == node]
    return dict(found[0]) if found else {}


def node_id() -> str:
    """Return Ray's id of this node."""
    import ray

    return str(ray.get_runtime_context().get_node_id())


def gpu_name() -> str:
    """Return which of the node's GPUs Ray gave this worker; it sets the variable for each."""
    return os.environ.get("CUDA_VISIBLE_DEVICES", "")
