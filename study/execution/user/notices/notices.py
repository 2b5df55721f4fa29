"""What a driver tells people of its study, each of it once.

Whether a notice was sent is an event of the journal, by the receiver as the study file names it and
by what was told: so the next driver doesn't tell it again, and tells what this one could not.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from search_spaces.validation import Fault
from study.controller.controller import Controller
from study.errors import StudyError
from study.execution.run import RESUMABLE
from study.execution.user.notices.message import Message, Messages
from study.execution.user.notices.outbox import Outbox
from study.execution.user.notices.receivers import NotDelivered, secret_at
from study.files.layout import StudyPaths
from study.journal.events import NoticeSent
from study.journal.ranking import best_point

if TYPE_CHECKING:
    from study.spec.parts.notices import Notice, Occasion
    from study.spec.spec import StudySpec

PATIENCE_S = 10.0
"""For how long the end of a study waits for receivers."""
_POLL_S = 0.05
_SECONDS_A_MINUTE = 60


def notice_faults(spec: StudySpec) -> Iterator[Fault]:
    """Refuse receivers whose address isn't where the study file says, on the driver's machine."""
    for index, notice in enumerate(spec.notify):
        try:
            secret_at(notice.at)
        except NotDelivered as failure:
            must = "must name what can be read where the study is driven"
            yield Fault(("notify", index, "at"), must, str(failure))


class Notices:
    """Tells the receivers of ``notify:``; without any it does nothing.

    Within its block the environment variables with addresses are hidden from what this process
    starts, Ray and its workers among it.
    """

    def __init__(
        self, controller: Controller, paths: StudyPaths, say: Callable[[str], None]
    ) -> None:
        self._controller = controller
        self._messages = Messages(paths)
        self._say = say
        self._outboxes: list[Outbox] = []
        self._hidden: dict[str, str] = {}
        self._told_of: set[str] = set()
        """The receivers of which was said that they are down."""
        self._sending: set[tuple[str, str]] = set()
        """Receiver and key of what is on its way or has arrived."""
        self._endings_seen = -1
        self._is_best_postponed = False
        """Whether somebody hears of the best point only later, having just heard of another."""
        self._best_sent: dict[str, float] = {}
        """When each receiver was sent a best point last, in seconds since 1970."""

    def __enter__(self) -> Self:
        for notice in self._controller.spec.notify:
            try:
                secret = secret_at(notice.at)
            except NotDelivered as failure:
                self._say(f"no notices go to {notice.to}: {failure}")
                continue
            self._outboxes.append(Outbox(notice, secret))
        for notice in self._controller.spec.notify:
            name = notice.at.env
            if name is not None and name in os.environ:
                self._hidden[name] = os.environ.pop(name)
        for (receiver, key), sent in self._controller.history.notices.items():
            self._sending.add((receiver, key))
            if key.startswith("best "):
                self._best_sent[receiver] = max(sent, self._best_sent.get(receiver, 0.0))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for outbox in self._outboxes:
            outbox.close()
        os.environ.update(self._hidden)

    def tick(self) -> None:
        """Tell of a new best point, and take up what has arrived."""
        if not self._outboxes:
            return
        self._take_outcomes()
        endings = len(self._controller.history.point_endings)
        if endings != self._endings_seen or self._is_best_postponed:
            self._endings_seen = endings
            self._tell_best()

    def tell_end(self, reason: str) -> None:
        """Tell that a session is over, and wait a little for receivers that don't answer."""
        if reason in RESUMABLE:
            why = "" if reason == "interrupted" else f"its budget of {reason} is spent"
            self._tell_of_session("interruption", why)
        elif reason in ("complete", "target"):
            self._tell_of_session("end", "")
        else:
            self._tell_of_session("fault", "so many trials have failed as stop.failures allows")

    def tell_fault(self, why: str) -> None:
        """Tell why the study can't go on, likewise."""
        self._tell_of_session("fault", why)

    def tell_late(self) -> None:
        """Tell that the study is complete where its last driver had no time to."""
        sessions = self._controller.history.sessions
        if sessions and sessions[-1].reason in ("complete", "target"):
            self._tell_of_session("end", "")

    def _tell_of_session(self, occasion: Occasion, why: str) -> None:
        if not self._outboxes:
            return
        history, spec = self._controller.history, self._controller.spec
        message = self._messages.of_end(history, spec, occasion, why)
        self._send(message, self._outboxes)
        deadline = time.monotonic() + PATIENCE_S
        for outbox in self._outboxes:
            outbox.hurry()
        while any(outbox.is_busy for outbox in self._outboxes) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            self._take_outcomes()
        for outbox in self._outboxes:
            if outbox.is_busy:
                self._say(f"{outbox.notice.to} has not taken its notice; the study is well")

    # --- the best point ---

    def _tell_best(self) -> None:
        history, spec = self._controller.history, self._controller.spec
        self._is_best_postponed = False
        wanting = [box for box in self._outboxes if "best" in box.notice.on]
        if not wanting:
            return
        best = best_point(history.points, spec, whole_seeds=history.whole_seeds)
        if best is None:
            return
        message = self._messages.of_best(history, spec, best)
        due = [box for box in wanting if self._is_due(box.notice)]
        waiting = [box for box in wanting if not self._is_due(box.notice)]
        for outbox in due:
            if self._send(message, [outbox]):
                self._best_sent[outbox.notice.receiver] = time.time()
        self._is_best_postponed = any(
            (box.notice.receiver, message.key) not in self._sending for box in waiting
        )

    def _is_due(self, notice: Notice) -> bool:
        last = self._best_sent.get(notice.receiver)
        return last is None or time.time() - last >= notice.every_min * _SECONDS_A_MINUTE

    # --- on their way ---

    def _send(self, message: Message, outboxes: Sequence[Outbox]) -> bool:
        """Send a message to those who want it and don't have it; return whether there were any."""
        is_sent = False
        for outbox in outboxes:
            mark = (outbox.notice.receiver, message.key)
            if message.occasion in outbox.notice.on and mark not in self._sending:
                self._sending.add(mark)
                outbox.send(message)
                is_sent = True
        return is_sent

    def _take_outcomes(self) -> None:
        """Record what has arrived, and say once of each receiver that it is down."""
        for outbox in self._outboxes:
            receiver = outbox.notice.receiver
            for outcome in outbox.outcomes():
                if outcome.is_sent:
                    with suppress(StudyError, OSError):  # a notice is no reason to end a study
                        key = outcome.message.key
                        self._controller.record(NoticeSent(receiver=receiver, notice=key))
                elif receiver not in self._told_of:
                    self._told_of.add(receiver)
                    self._say(f"a notice has not reached {outbox.notice.to}: {outcome.why_not}")
