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

_ONCE_MORE = "Ctrl-C once more ends that at once"


class StopOnSignals:
    """Has Ctrl-C and SIGTERM stop a study cleanly, and leave one alone that has ended already; a
    second Ctrl-C ends it at once.

    That holds from ``follow`` to the end of the block; where blocks lie within each other, of the
    outermost: whoever shows what came of a study is as safe as who drives it.
    """

    def __init__(self) -> None:
        self.study = ""
        """The name of the study that is stopped; empty before there is one."""
        self.was_asked = False
        """Whether anybody has asked to end it."""
        self._controller: Controller | None = None
        self._former_handlers: dict[int, Any] = {}
        self._blocks = 0
        self._is_closing = False
        self._has_told = False

    def follow(self, controller: Controller, study: str) -> None:
        """Stop this study where that is asked for from now on."""
        self.study = study
        self._controller = controller
        self._is_closing = False
        self.catch()

    def begin_closing(self) -> None:
        """Note that the study has ended and is only being closed: there is nothing left to stop."""
        self._is_closing = True

    def __enter__(self) -> Self:
        self._blocks += 1
        return self

    def catch(self) -> None:
        """Take the signals over, which only a program's main thread can."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            former = signal.signal(number, self._stop)
            self._former_handlers.setdefault(number, former)

    def _stop(self, number: int, frame: Any) -> None:
        assert self._controller is not None
        self.was_asked = True
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
        ended = "" if self._controller and self._controller.stopping else "has ended and "
        text = f"\nthe study {ended}is being closed; {_ONCE_MORE}\n"
        with suppress(OSError):
            os.write(2, text.encode())  # print may be what the signal has interrupted

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._blocks -= 1
        if self._blocks:
            return
        for number, handler in self._former_handlers.items():
            signal.signal(number, handler)
        self._former_handlers = {}
