"""The processes of an attempt that several workers train: to their worker they are one.

What the first of them says is the attempt's word. Where one of them fails, the others lose their
connection with it and fail as well, each with a reason that says nothing: so who fails is waited
for a moment, and the failure that explains the others is the attempt's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from study.execution.training_process.channel import Message
from study.execution.training_process.endings import failure_of
from study.execution.training_process.training_process import Ending, TrainingProcess
from study.files.trial_files import output_of_worker
from study.journal.failure import Failure
from study.training.runtime.team.loss import LOST_OTHERS

_LOOK_S = 0.25
"""How often the other processes are looked at."""
_GRACE_S = 5.0
"""How long the others have to say why they fail, once one of them has failed."""
_OF_CONNECTION = re.compile(r"gloo|NCCL|ProcessGroup|Connection (closed|reset) by peer", re.I)
"""What torch.distributed says in a training function whose other workers are gone."""
_IN_COLLECTIVE = re.compile(r"distributed_c10d|/team/team\.py")


class HostLost(Exception):
    """What keeps a process of an attempt, on whichever node, is gone."""


class Host(Protocol):
    """Keeps one of the other processes of an attempt, on this node or another."""

    def begin(self, request: Message) -> None:
        """Begin the process."""
        ...

    def heard(self) -> list[Message]:
        """Return what it has said since, its end included: ``ended``. Raises HostLost."""
        ...

    def tell(self, message: Message) -> None:
        """Say something to it, if it is still there."""
        ...

    def kill(self) -> None:
        """Have it ended at once."""
        ...

    def leave(self, *, is_done: bool) -> None:
        """Begin to give it time to end by itself, then to end it."""
        ...

    def abort(self) -> str:
        """End it where it stands; return where that was."""
        ...

    def await_left(self) -> None:
        """Wait until it is gone."""
        ...


@dataclass
class _Member:
    """One of the other workers' processes."""

    rank: int
    host: Host
    has_joined: bool = False
    is_over: bool = False
    failures: list[Message] = field(default_factory=list)


class TeamProcess:
    """The processes of one attempt, as if they were one."""

    def __init__(
        self, first: TrainingProcess, hosts: Sequence[Host], request: Message, join_s: float
    ) -> None:
        """``first`` has begun; the others begin with ``request``, each with its rank. A start for
        which they need longer than ``join_s`` seconds has failed.
        """
        self._first = first
        self._members = [_Member(rank, host) for rank, host in enumerate(hosts, 1)]
        self._join_s = join_s
        self._began = time.monotonic()
        self._has_joined = False
        self._failures: list[Message] = []
        """Those of the first one."""
        self.output = first.output
        self.ending: Ending | None = None
        """Never: what ends one of them is said as a failure."""
        self.has_hung_up = False
        for member in self._members:
            output = output_of_worker(request["output"], member.rank)
            member.host.begin(request | {"rank": member.rank, "output": output})

    # -- what they say --

    def next_message(self, timeout_s: float) -> Message | None:
        """Return what the attempt says next, or None where it says nothing for a while."""
        deadline = time.monotonic() + timeout_s
        while True:
            left_s = max(0.0, deadline - time.monotonic())
            message = self._first.next_message(min(_LOOK_S, left_s))
            self._hear_others()
            if message is not None:
                message = self._considered(message)
            if message is not None:
                return message
            if self._failures or any(member.failures for member in self._members):
                return self._settled()
            if self._first.ending:
                self._failures.append(_as_message(failure_of(self._first.ending)))
                return self._settled()
            if not self._has_joined and time.monotonic() - self._began > self._join_s:
                return self._settled_late()
            if left_s == 0.0:
                return None

    def _considered(self, message: Message) -> Message | None:
        """Return a message of the first one's, if it is for the worker at once."""
        match message["kind"]:
            case "meeting":
                for member in self._members:
                    member.host.tell({"address": message["address"]})
                return None
            case "joined":
                self._has_joined = True
                return None
            case "failed":
                self._failures.append(message)
                return None
            case "storage":
                self.kill()
        return message

    def _hear_others(self) -> None:
        for member in self._members:
            if member.is_over:
                continue
            try:
                said = member.host.heard()
            except HostLost as lost:
                member.is_over = True
                failure = Failure("node", str(lost), {"node_alive": False})
                member.failures.append(_as_message(failure) | {"is_host_lost": True})
                continue
            for message in said:
                self._note(member, message)

    def _note(self, member: _Member, message: Message) -> None:
        match message["kind"]:
            case "joined":
                member.has_joined = True
            case "failed":
                member.failures.append(message)
            case "storage":
                told = {"class": "storage", "details": {}, "traceback": ""}
                member.failures.append({**message, **told, "kind": "failed"})
            case "finished" | "stopped":
                member.is_over = True
            case "ended":
                member.is_over = True
                if not member.failures:
                    ending = Ending(
                        message["exit_code"], message["memory_kill"], message["peak_bytes"]
                    )
                    member.failures.append(_as_message(failure_of(ending)))

    # -- failures --

    def _settled(self) -> Message:
        """End all processes; return the failure that explains those of the others."""
        deadline = time.monotonic() + _GRACE_S
        while time.monotonic() < deadline and not self._is_explained():
            message = self._first.next_message(_LOOK_S)
            if message is not None:
                self._considered(message)
            elif self._first.ending and not self._failures:
                self._failures.append(_as_message(failure_of(self._first.ending)))
            self._hear_others()
        self.kill()
        found = [(0, failure) for failure in self._failures]
        found += [(member.rank, failure) for member in self._members for failure in member.failures]
        rank, failure = min(found, key=lambda each: _vagueness(each[1]))
        return self._of_rank(rank, failure)

    def _is_explained(self) -> bool:
        failures = [*self._failures]
        for member in self._members:
            failures += member.failures
        return any(_vagueness(failure) < _CONNECTION_ALONE for failure in failures)

    def _of_rank(self, rank: int, failure: Message) -> Message:
        workers = 1 + len(self._members)
        named = f"worker {rank} of {workers}: {failure['message']}"
        if _vagueness(failure) == _CONNECTION_ALONE:
            details = {"node_alive": True}
            return failure | {"class": "node", "message": named, "details": details}
        return failure | {"message": named}

    def _settled_late(self) -> Message:
        """End processes that have not come together in time."""
        self.kill()
        late = [str(member.rank) for member in self._members if not member.has_joined]
        message = (
            f"the trial's {1 + len(self._members)} workers have not come together within"
            f" {self._join_s:g} s: nothing was heard of worker {', '.join(late) or '0'}"
        )
        return _as_message(Failure("node", message, {"node_alive": True}))

    # -- orders --

    def note_code(self, found: str) -> str:
        """Return the hash of the code that the first process trains with."""
        return self._first.note_code(found)

    def answer(self, goes_on: bool) -> None:
        """Say whether training goes on, which the first process tells the others."""
        self._first.answer(goes_on)
        if not goes_on:
            for member in self._members:
                member.host.tell({"goes_on": False})

    def ends_by_itself(self) -> bool:
        """Whether the first one's end has come."""
        return self._first.ends_by_itself()

    def traces(self) -> str:
        """Return what was written of a crash of the first one."""
        return self._first.traces()

    def abort(self) -> str:
        """End all where they stand; return where that was, first of those that no other held up."""
        stacks = [self._first.abort()]
        stacks += [member.host.abort() for member in self._members]
        named = [f"worker {rank} of {len(stacks)}\n{stack}" for rank, stack in enumerate(stacks)]
        return "\n".join(sorted(named, key=_waits_for_others))

    def kill(self) -> None:
        """End all of them at once."""
        for member in self._members:
            member.host.kill()
        self._first.kill()

    def leave(self, *, is_done: bool) -> None:
        """Give them time to end by themselves, then end them; ``is_done``: all is said."""
        for member in self._members:
            member.host.leave(is_done=is_done)
        self._first.leave(is_done=is_done)
        for member in self._members:
            member.host.await_left()


_CONNECTION_ALONE = 2


def _vagueness(failure: Message) -> int:
    """Return how little a failure explains: 0 of who was killed, 2 of who has lost others alone."""
    details: dict[str, Any] = failure["details"]
    if failure["class"] == "node":
        return 0
    if details.get(LOST_OTHERS) or _OF_CONNECTION.search(failure["message"]):
        return _CONNECTION_ALONE
    return 1


def _waits_for_others(stack: str) -> bool:
    current = stack.partition("Current thread")[2] or stack
    return _IN_COLLECTIVE.search("\n".join(current.splitlines()[:6])) is not None


def _as_message(failure: Failure) -> Message:
    return {
        "kind": "failed",
        "class": failure.failure_class,
        "message": failure.message,
        "details": dict(failure.details),
        "traceback": "",
    }
