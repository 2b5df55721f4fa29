"""How workers come together: a meeting point on the first one's node, then torch.distributed.

The meeting point listens on the node's own address alone, on a port that is free.
"""

from __future__ import annotations

import os
import socket
from datetime import timedelta

import psutil
import torch
from torch import distributed
from torch.distributed import PrefixStore, TCPStore  # type: ignore[attr-defined]

from study.training.runtime.failures import TrainingFailure
from study.training.runtime.team.loss import LOST_OTHERS
from study.training.runtime.team.place import Place
from study.training.runtime.team.team import Together

Address = tuple[str, int]
"""Host and port."""

_LONGEST = timedelta(days=30)
"""How long who waits for others waits: whether one of them hangs, those around them see to."""


def open_meeting_point(host: str, workers: int, timeout_s: float) -> TCPStore:
    """Open the place at which workers find each other, on this node's address ``host``."""
    listener = socket.create_server((host, 0))
    return TCPStore(
        host,
        listener.getsockname()[1],
        workers,
        is_master=True,
        timeout=timedelta(seconds=timeout_s),
        wait_for_workers=False,
        master_listen_fd=listener.detach(),
    )


def find_meeting_point(address: Address, place: Place, timeout_s: float) -> TCPStore:
    """Connect with the meeting point; a failure where it can't be reached in time."""
    host, port = address
    try:
        return TCPStore(
            host,
            port,
            place.workers,
            is_master=False,
            timeout=timedelta(seconds=timeout_s),
            wait_for_workers=False,
        )
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0]
        message = f"worker {place.rank} can't reach the first one at {host}:{port}: {reason}"
        raise TrainingFailure("error", message, {LOST_OTHERS: True}) from None


def join(
    store: TCPStore, place: Place, device: torch.device, host: str, timeout_s: float
) -> Together:
    """Initialize torch.distributed among all workers, each of which calls this.

    ``host`` is the address of this worker's node. A worker that hasn't come after ``timeout_s``
    seconds is a failure, which names it.
    """
    store.set(_key(place.rank), "here")
    try:
        store.wait([_key(rank) for rank in range(place.workers)], timedelta(seconds=timeout_s))
    except RuntimeError:
        raise _missing(store, place, timeout_s) from None
    _name_interface(host)
    _tell_libraries(store, place)
    backend = "nccl" if device.type == "cuda" else "gloo"
    distributed.init_process_group(
        backend,
        store=PrefixStore("team", store),
        rank=place.rank,
        world_size=place.workers,
        timeout=_LONGEST,
    )
    words = distributed.new_group(backend="gloo", timeout=_LONGEST)
    team = Together(place, None, words)
    team.agree("joined")
    return team


def _key(rank: int) -> str:
    return f"here/{rank}"


def _missing(store: TCPStore, place: Place, timeout_s: float) -> TrainingFailure:
    missing = [rank for rank in range(place.workers) if not store.check([_key(rank)])]
    named = ", ".join(map(str, missing))
    message = f"after {timeout_s:g} s workers {named} of {place.workers} had not come to train"
    return TrainingFailure("error", message, {LOST_OTHERS: True})


def _name_interface(host: str) -> None:
    """Let the backends speak by the network that ``host`` is this node's address in."""
    for name, addresses in psutil.net_if_addrs().items():
        if any(address.address == host for address in addresses):
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
            os.environ.setdefault("NCCL_SOCKET_IFNAME", name)
            return


def _tell_libraries(store: TCPStore, place: Place) -> None:
    """Set the variables by which libraries find that they are among several workers."""
    os.environ |= {
        "RANK": str(place.rank),
        "WORLD_SIZE": str(place.workers),
        "LOCAL_RANK": "0",  # each sees its own device alone
        "MASTER_ADDR": store.host,
        "MASTER_PORT": str(store.port),
    }
