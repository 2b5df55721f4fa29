"""Ends a study cleanly where its process is asked to end."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from study.controller.controller import Controller

_CLOSING = b"\nthe study has ended and is being closed; Ctrl-C once more ends that at once\n"


class StopOnSignals:
    """Has Ctrl-C and SIGTERM stop a study cleanly within the block; a second Ctrl-C ends it at
    once.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._former_handlers: dict[int, Any] = {}
        self._is_closing = False
        self._has_told = False

    def begin_closing(self) -> None:
        """Note that the study has ended and is only being closed: there is nothing left to stop."""
        self._is_closing = True

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
        if self._is_closing:
            self._tell_of_closing(number)
            return
        if self._controller.stopping == "interrupted" and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._controller.stopping = "interrupted"

    def _tell_of_closing(self, number: int) -> None:
        """Say once that the study is being closed; a second Ctrl-C ends it at once."""
        if self._has_told and number == signal.SIGINT:
            raise KeyboardInterrupt
        self._has_told = True
        with suppress(OSError):
            os.write(2, _CLOSING)  # print may be what the signal has interrupted

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._former_handlers.items():
            signal.signal(number, handler)
