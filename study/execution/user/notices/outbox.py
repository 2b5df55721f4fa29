"""Sends notices beside a study: each receiver has a thread and a queue of its own, so that none
holds anything up while it is down.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from study.execution.user.notices.message import Message
from study.execution.user.notices.receivers import NotDelivered, deliver
from study.spec.parts.notices import Notice

Deliver = Callable[[Notice, str, Message], None]
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """What became of a try."""

    message: Message
    is_sent: bool
    why_not: str = ""
    is_over: bool = True
    """Whether it isn't tried again."""


class Outbox:
    """The notices on their way to one receiver."""

    def __init__(self, notice: Notice, secret: str, deliver: Deliver = deliver) -> None:
        self.notice = notice
        self._secret = secret
        self._deliver = deliver
        self._waiting: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._under_way = 0
        self._is_closed = threading.Event()
        self._hurry = threading.Event()
        """Set once the study waits for the rest: pauses are short then."""
        self._thread = threading.Thread(target=self._run, daemon=True, name="study-notices")
        self._thread.start()

    def send(self, message: Message) -> None:
        """Have a message sent, as soon as the receiver takes it."""
        self._under_way += 1
        self._waiting.put(message)

    def outcomes(self) -> list[Outcome]:
        """Take what has become of tries since the last call."""
        found = []
        while not self._outcomes.empty():
            outcome = self._outcomes.get()
            self._under_way -= outcome.is_over
            found.append(outcome)
        return found

    @property
    def is_busy(self) -> bool:
        """Whether messages are on their way whose outcome nobody has taken yet."""
        return self._under_way > 0

    def hurry(self) -> None:
        """Try again at once what waits for its receiver, and then often."""
        self._hurry.set()

    def close(self) -> None:
        """Try nothing any more."""
        self._is_closed.set()
        self._hurry.set()

    def _run(self) -> None:
        while not self._is_closed.is_set():
            try:
                message = self._waiting.get(timeout=0.5)
            except queue.Empty:
                continue
            self._send_until_it_arrives(message)

    def _send_until_it_arrives(self, message: Message) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._is_closed.is_set():
            outcome = self._try(message)
            self._outcomes.put(outcome)
            if outcome.is_over:
                return
            if self._hurry.wait(timeout=pause_s):
                time.sleep(_FIRST_PAUSE_S)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _try(self, message: Message) -> Outcome:
        try:
            self._deliver(self.notice, self._secret, message)
        except NotDelivered as failure:
            return Outcome(message, False, str(failure), failure.for_good)
        except Exception as error:  # whatever a library does, the study goes on
            return Outcome(message, False, type(error).__name__, True)
        return Outcome(message, True)
