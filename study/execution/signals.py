"""Ends a study cleanly where its process is asked to end."""

from __future__ import annotations

import signal
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from study.controller.controller import Controller


class StopOnSignals:
    """Has Ctrl-C and SIGTERM stop a study cleanly within the block; a second Ctrl-C ends it at
    once.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._former_handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self.catch()
        return self

    def catch(self) -> None:
        """Take the signals over, which only a program's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            former = signal.signal(number, self._stop)
            self._former_handlers.setdefault(number, former)

    def _stop(self, number: int, frame: Any) -> None:
        if self._controller.stopping == "interrupted" and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._controller.stopping = "interrupted"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._former_handlers.items():
            signal.signal(number, handler)
