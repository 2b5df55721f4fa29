"""Whether the Ray under a study still lives, which Ray itself tells late or never.

Where its raylet is gone Ray Tune waits for ever. Where its head is gone every call blocks, and
after a minute Ray ends the whole process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from study.errors import RayFault
from study.execution.on_ray.awake_clock import process_clock
from study.execution.on_ray.ray_internals import own_ray_processes

_LOOK_EVERY_S = 1.0
_ANSWER_S = 25.0
"""A Ray that takes longer to say how it is counts as gone."""
_LEAVE_S = 25.0
"""A driver that can't leave a dead Ray for so long is ended, before Ray does it without a word."""


class RayLost(RayFault):
    """The Ray under a study is gone, for a ``reason``."""

    def __init__(self, resume: str, reason: str) -> None:
        super().__init__(f"{reason}; when that is mended: {resume}")
        self.reason = reason


class LeaveRay(BaseException):
    """Takes a driver out of Tune's loop whose Ray is gone.

    No Exception: Tune would clean up after one, for which it asks the Ray that is gone.
    """


class RayWatch:
    """Looks after the Ray under a study for the length of the ``with`` block.

    ``what_is_wrong`` says in words why Ray can't go on, an empty text while it can. It is asked in
    a thread, as it may not answer any more. ``on_stuck`` is called with the reason where the
    driver can't be led out of a call to a dead Ray; it does not return.
    """

    def __init__(self, what_is_wrong: Callable[[], str], on_stuck: Callable[[str], None]) -> None:
        self._what_is_wrong = what_is_wrong
        self._on_stuck = on_stuck
        self._clock = process_clock()
        self._reason = ""
        self._asked_at: float | None = None
        self._is_over = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._keep_asking, name="ray-watch", daemon=True).start()
        threading.Thread(target=self._keep_the_deadline, name="ray-end", daemon=True).start()
        return self

    @property
    def reason(self) -> str:
        """Why Ray can't go on; empty while it can."""
        asked_at = self._asked_at
        if not self._reason and asked_at is not None:
            silent_s = self._clock.now() - asked_at
            if silent_s > _ANSWER_S:
                self._reason = f"Ray has not answered for {silent_s:.0f} s"
        return self._reason

    def check(self) -> None:
        """Raise LeaveRay where Ray is gone."""
        if self.reason:
            raise LeaveRay

    def _keep_asking(self) -> None:
        while not self._reason and not self._is_over.wait(_LOOK_EVERY_S):
            self._asked_at = self._clock.now()
            try:
                self._reason = self._what_is_wrong()
            except Exception as error:  # what can't be asked is gone
                self._reason = f"Ray can't be asked: {type(error).__name__}"
            self._asked_at = None

    def _keep_the_deadline(self) -> None:
        while not self.reason:
            if self._is_over.wait(_LOOK_EVERY_S):
                return
        if not self._is_over.wait(_LEAVE_S):
            self._on_stuck(self._reason)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_over.set()


def own_ray_fault() -> str:
    """Say which part of the Ray that this process has started has ended; empty while none has."""
    for name, process in own_ray_processes():
        if process.poll() is not None:
            return f"Ray's process {name} has ended"
    return ""
