"""Time as a process has lived through it: without the time for which it stood still."""

from __future__ import annotations

import threading
import time
from functools import cache

_TICK_S = 1.0
_STANDSTILL_S = 5.0
"""A clock that nobody could look at for so long has stood still, with the process or the machine:
suspended, paused in its container, or out of reach of a processor.
"""


@cache
def process_clock() -> AwakeClock:
    """Return the clock of this process."""
    return AwakeClock()


class AwakeClock:
    """Seconds that pass, but for those in which the process stood still."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last_look = time.monotonic()
        self._stood_still_s = 0.0
        threading.Thread(target=self._keep_looking, name="clock", daemon=True).start()

    def now(self) -> float:
        """Return the seconds from some moment on; only differences mean anything."""
        with self._lock:
            moment = time.monotonic()
            gap_s = moment - self._last_look
            if gap_s > _STANDSTILL_S:
                self._stood_still_s += gap_s
            self._last_look = moment
            return moment - self._stood_still_s

    def _keep_looking(self) -> None:
        while True:
            time.sleep(_TICK_S)
            self.now()
