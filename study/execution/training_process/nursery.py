"""The nursery: a process that has torch loaded, and forks one for each attempt.

It trains nothing and has a single thread, so that forking it is sound; it outlives whatever its
children do, and knows how they ended. Its own end is the worker's.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import resource
import select
import signal
import socket
import sys
import time
from typing import Any

import psutil

from study.execution.training_process.channel import Channel, ChannelClosed, Message

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_REAP_S = 5.0
"""How long killed processes have to go."""
_MEMORY_COUNTERS = "/proc/vmstat"


def main(control: int) -> None:
    """Serve the worker at the other end of the socket ``control``; in a child, train."""
    nursery = _Nursery(Channel(socket.socket(fileno=control)))
    _load()
    request = nursery.serve()
    if request is not None:
        from study.execution.training_process.child import run_attempt

        run_attempt(request, nursery.descriptors)


def _load() -> None:
    """Import what a training needs. What lives by now, the garbage collector never looks at, so
    that children share its memory.
    """
    gc.disable()
    import torch._dynamo  # noqa: F401  # private: torch's optimizers load it with their first step

    import study.execution.training_process.child  # noqa: F401

    gc.freeze()
    gc.enable()


class _Nursery:
    """Begins children, one after another."""

    def __init__(self, control: Channel) -> None:
        self._control = control
        self.descriptors: list[int] = []
        """In a child, the files that it was begun with."""
        signal.signal(signal.SIGCHLD, lambda signal_number, frame: None)
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(self._wake)
        _control_process(_PR_SET_CHILD_SUBREAPER, 1)  # orphans of children come to this process

    def serve(self) -> Message | None:
        """Begin a child for each request, until the worker is gone.

        Returns None in the nursery, and in each child what it is to do.
        """
        while True:
            try:
                request = self._control.receive()
            except ChannelClosed:
                return None
            assert request is not None
            if request["kind"] != "begin":
                continue  # meant for a child that has ended meanwhile
            self.descriptors = self._control.take_descriptors()
            for module in request["modules"]:
                from study.execution.training_process.module_import import import_for_children

                import_for_children(module, request["path"])
            kills_before = _memory_kills()
            parent = os.getpid()
            child = os.fork()
            if child == 0:
                self._become_child(parent)
                return request
            for descriptor in self.descriptors:
                os.close(descriptor)
            self._watch(child, kills_before)

    def _become_child(self, parent: int) -> None:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        _control_process(_PR_SET_CHILD_SUBREAPER, 0)
        _control_process(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._control.close()
        os.close(self._woken)
        os.close(self._wake)

    def _watch(self, child: int, kills_before: int) -> None:
        """Wait for a child's end, and tell the worker of it; end it where the worker says so."""
        while not _has_ended(child):
            sources: list[Channel | int] = [self._control, self._woken]
            ready, _, _ = select.select(sources, [], [])
            if self._woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._woken, 4096)
            if self._control in ready:
                self._obey(child)
        _end_group(child)
        _, status, usage = os.wait4(child, 0)
        _end_descendants()
        ended = {
            "kind": "ended",
            "exit_code": os.waitstatus_to_exitcode(status),
            "memory_kill": _memory_kills() > kills_before,
            "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        }
        with contextlib.suppress(ChannelClosed):
            self._control.send(ended)

    def _obey(self, child: int) -> None:
        try:
            order = self._control.receive(0)
        except ChannelClosed:
            _end_group(child)
            _end_descendants()
            os._exit(0)
        if order and order["kind"] == "abort":
            os.kill(child, signal.SIGABRT)
        elif order and order["kind"] == "kill":
            _end_group(child)


def _has_ended(child: int) -> bool:
    """Whether a child has ended; its number stays taken until it is waited for."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end_group(child: int) -> None:
    """Kill a child and all that is in its session's first group."""
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            end(child, signal.SIGKILL)


def _end_descendants() -> None:
    """Kill what children have left, in whichever session it is, and wait until it is gone."""
    deadline = time.monotonic() + _REAP_S
    while time.monotonic() < deadline:
        left = psutil.Process().children(recursive=True)
        if not left:
            return
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        time.sleep(0.01)


def _memory_kills() -> int:
    """Return how many processes the kernel has killed for want of memory, as far as it says."""
    with contextlib.suppress(OSError), open(_MEMORY_COUNTERS) as counters:
        for line in counters:
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def _control_process(option: int, value: Any) -> None:
    """Set an option of this process, where the system has it (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, int(value), 0, 0, 0)
