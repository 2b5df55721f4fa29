"""A worker's side of an attempt's process: begins it, talks with it, and sees to its end."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from study.execution.training_process.channel import Channel, ChannelClosed, Message
from study.execution.training_process.kept_output import KeptOutput
from study.files.storage import StoragePath

_MAIN = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from study.execution.training_process.nursery import main; main(int(sys.argv[2]))"
)
_VARIABLES = {
    # Sets of text have the same order in each attempt.
    "PYTHONHASHSEED": "0",
    # Asking whether there is a GPU doesn't take it up, after which no process could be forked.
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",
}
"""Set for an attempt's process, unless the user has set them."""
_END_S = 10.0
"""How long a process has to end by itself, after its last word or an order to end."""
_KILL_S = 20.0
"""How long a killed process has to be gone."""
_STOP_S = 30.0
"""How long it has after it was told that training doesn't go on: it may have a state to save."""

_refused_modules: set[str] = set()
"""Modules that no nursery of this worker imports again."""


@dataclass(frozen=True)
class Ending:
    """How a process ended."""

    exit_code: int
    """Its own, or minus the number of the signal that it died of."""
    is_memory_kill: bool
    """Whether the kernel killed for want of memory meanwhile."""
    peak_bytes: int
    """The most memory that it had."""


class Nursery:
    """The process that begins this worker's attempts, started when the first one needs it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            variables = _VARIABLES | os.environ
            command = [sys.executable, "-P", "-c", _MAIN, json.dumps(sys.path)]
            self._process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=variables,
                start_new_session=True,
            )
        self.control = Channel(ours)
        self.modules: list[str] = []
        """Modules that it imports for its children, as they have found that it can."""
        self.codes: dict[str, str] = {}
        """By module, the hash of the code that it has imported."""

    @property
    def is_alive(self) -> bool:
        return not self.control.is_closed and self._process.poll() is None

    def close(self) -> None:
        """End it, and with it what it has begun."""
        self.control.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class TrainingProcess:
    """One attempt's process."""

    def __init__(self, nursery: Nursery, request: Message, output: StoragePath) -> None:
        """Begin it; what it prints goes to the file ``output``."""
        self._nursery = nursery
        self._module = str(request["train"]).partition(":")[0]
        self._is_imported = self._module in nursery.modules
        ours, theirs = socket.socketpair()
        output_end, printing_end = os.pipe()
        self._traces = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the process
        self._talk: Channel | None = Channel(ours)
        self.output = KeptOutput(output_end, output)
        self.ending: Ending | None = None
        try:
            descriptors = [theirs.fileno(), printing_end, self._traces.fileno()]
            nursery.control.send(request | {"modules": nursery.modules}, descriptors)
        except ChannelClosed:
            self._lose_nursery()
        finally:
            theirs.close()
            os.close(printing_end)

    def next_message(self, timeout_s: float) -> Message | None:
        """Return what the process says next, or None where it says nothing for a while.

        It says nothing any more once it has an ``ending``.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            message = self._heard()
            if message and message["kind"] == "loaded":
                self._note_module(can_be_forked=message["can_be_forked"])
                continue
            if message is not None or self.ending:
                return message
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                return None
            if self._nursery.control.is_closed:
                self._lose_nursery()
                continue
            sources = [self._nursery.control, *([self._talk] if self._talk else [])]
            ready, _, _ = select.select(sources, [], [], left_s)
            if self._nursery.control in ready:
                self._hear_of_its_end()

    def _note_module(self, *, can_be_forked: bool) -> None:
        is_known = self._module in self._nursery.modules
        if can_be_forked and not is_known and self._module not in _refused_modules:
            self._nursery.modules.append(self._module)

    def note_code(self, found: str) -> str:
        """Return the hash of the code that the process trains with, where files now have ``found``:
        that of the nursery's import, if it is the nursery's.
        """
        if self._is_imported:
            return self._nursery.codes.setdefault(self._module, found)
        return found

    def _heard(self) -> Message | None:
        """Return a message that is there."""
        if self._talk is None:
            return None
        try:
            return self._talk.receive(0)
        except ChannelClosed:
            self._hang_up()
            return None

    def _hear_of_its_end(self) -> None:
        try:
            message = self._nursery.control.receive(0)
        except ChannelClosed:
            self._lose_nursery()
            return
        if message:
            self.ending = Ending(
                message["exit_code"], message["memory_kill"], message["peak_bytes"]
            )

    def answer(self, goes_on: bool) -> None:
        """Say whether training goes on; a process that is gone doesn't hear it."""
        self.tell({"goes_on": goes_on})

    def tell(self, message: Message) -> None:
        """Say something to the process, if it is still there."""
        if self._talk:
            try:
                self._talk.send(message)
            except ChannelClosed:
                self._hang_up()

    @property
    def has_hung_up(self) -> bool:
        """Whether it has closed its end of the conversation."""
        return self._talk is None

    def ends_by_itself(self) -> bool:
        """Wait a while for its end; return whether that has come."""
        self._await_end(_END_S)
        return self.ending is not None

    def abort(self) -> str:
        """End it where it stands; return where that was, as text, as far as it can be known."""
        self._order("abort")
        self._await_end(_KILL_S)
        self.kill()
        return self.traces()

    def traces(self) -> str:
        """Return what was written of a crash."""
        self._traces.seek(0)
        return self._traces.read().decode(errors="replace")

    def kill(self) -> None:
        """End it at once."""
        if not self.ending:
            self._order("kill")
            self._await_end(_KILL_S)
        if not self.ending:
            self._lose_nursery()

    def leave(self, *, is_done: bool) -> None:
        """Give it time to end by itself, then end it; ``is_done``: it has said its last word."""
        self._await_end(_END_S if is_done else _STOP_S)
        self.kill()
        self.output.finish()
        self._traces.close()
        self._hang_up()

    def _hang_up(self) -> None:
        if self._talk:
            self._talk.close()
            self._talk = None

    def _await_end(self, longest_s: float) -> None:
        deadline = time.monotonic() + longest_s
        while not self.ending and time.monotonic() < deadline:
            self.next_message(deadline - time.monotonic())

    def _order(self, kind: str) -> None:
        try:
            self._nursery.control.send({"kind": kind})
        except ChannelClosed:
            self._lose_nursery()

    def _lose_nursery(self) -> None:
        """Take the process for killed: it ends with its nursery, which a new one will replace."""
        self._nursery.close()
        _refused_modules.update(self._nursery.modules)  # one of them may have been its end
        self.ending = Ending(exit_code=-signal.SIGKILL, is_memory_kill=False, peak_bytes=0)
