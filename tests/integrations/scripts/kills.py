"""Kills of a training's own process, from within, in the middle of whatever it does."""

from __future__ import annotations

import os
import random
import signal


class Kills:
    """Kills the process in each attempt up to a number of them: in its first epoch, or two later,
    so that it comes on.
    """

    def __init__(self, attempt: int, kills: int) -> None:
        batches = random.Random(attempt).randint(1, 7) + 16 * (attempt % 2)
        self._batches_left = batches if attempt <= kills else -1

    def count_batch(self) -> None:
        self._batches_left -= 1
        if self._batches_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
