"""Waits for the nodes of an allocation, before a study counts how many trials they can run."""

from __future__ import annotations

import socket
import sys
import time
from contextlib import closing

_PATIENCE_S = 300.0
_POLL_S = 1.0


def main(address: str, count: int, patience: float = _PATIENCE_S) -> int:
    """Wait until a Ray has so many nodes and return 0; say what is missing and return 3 else."""
    until = time.monotonic() + patience
    alive = 0
    if _answers(address, until):
        import ray

        ray.init(address, log_to_driver=False, logging_level="ERROR")
        while time.monotonic() < until:
            alive = sum(node["Alive"] for node in ray.nodes())
            if alive >= count:
                ray.shutdown()
                return 0
            time.sleep(_POLL_S)
    print(
        f"{alive} of {count} nodes have joined the Ray at {address} within {patience:.0f} s",
        file=sys.stderr,
    )
    return 3


def _answers(address: str, until: float) -> bool:
    """Wait until anybody listens at the address; False where nobody does in time."""
    host, _, port = address.rpartition(":")
    while time.monotonic() < until:
        try:
            with closing(socket.create_connection((host, int(port)), timeout=_POLL_S)):
                return True
        except OSError:
            time.sleep(_POLL_S)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
