"""Which GPUs fail every trial that they are given, so that they get no more of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from study.errors import RayFault
from study.execution.on_ray.worker_protocol import Broken

_STRIKES = 5
"""So many failures in a row, and a GPU is out of order. It is more than the deaths after which a
trial counts as the culprit itself, so that no single trial puts a GPU out of order.
"""
_NO_GPU_S = 60.0
"""How long a trial waits for another GPU where all that were tried are out of order."""


@dataclass
class _Record:
    """The failures of one GPU since it last did its work."""

    strikes: int = 0
    last: float = float("-inf")
    """When the latest was counted, in seconds of the monotonic clock."""


class GpuWatch:
    """Counts the failures of each GPU; a GPU is known by its node's id and its name there."""

    def __init__(self, resume: str, say: Callable[[str], None]) -> None:
        self._resume = resume
        """The command that goes on with the study."""
        self._say = say
        self._records: dict[tuple[str, str], _Record] = {}
        self._last_at_work = time.monotonic()

    def is_out_of_order(self, message: Broken, began: float) -> bool:
        """Count that an attempt which began at ``began`` left its process broken.

        Those that ran at the same time count as one. Returns whether nobody shall get the GPU.
        """
        if message.failure.failure_class != "device":
            return False
        record = self._records.setdefault((message.node, message.gpu), _Record())
        if began >= record.last:
            record.strikes += 1
            record.last = time.monotonic()
        if record.strikes < _STRIKES:
            return False
        self._say(
            f"GPU {message.gpu} of {message.host} gets no more trials, as it fails them again and"
            f" again: {message.failure.message}"
        )
        return True

    def note_epoch(self, node: str, gpu: str) -> None:
        """Forget a GPU's failures, as an epoch was trained on it."""
        self._records.pop((node, gpu), None)

    def check(self, *, is_any_held: bool, is_any_at_work: bool) -> None:
        """Raise RayFault where workers do nothing but hold broken GPUs, and no other has come."""
        now = time.monotonic()
        if is_any_at_work or not is_any_held:
            self._last_at_work = now
        elif now - self._last_at_work > _NO_GPU_S:
            raise RayFault(
                "every GPU that was tried fails each trial that it gets; when that is mended:"
                f" {self._resume}"
            )
