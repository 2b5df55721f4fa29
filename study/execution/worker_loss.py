"""What a worker was lost to, as far as Ray says: its own end, its node's, or the machine's
memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from study.execution.ray_internals import (
    CONNECTION_LOST,
    MEMORY_KILL,
    MEMORY_VICTIM,
    PROCESS_DIED,
    error_text,
)
from study.journal.failure import Failure
from study.journal.trials import Attempt

_LONGEST = 300


@dataclass(frozen=True)
class MemoryKill:
    """Workers that Ray's memory monitor killed on one node, by process id with what each occupied
    (``1.81GB``).
    """

    node: str
    usage: str
    victims: dict[int, str]

    def hit(self, attempt: Attempt) -> bool:
        return attempt.node == self.node and attempt.pid in self.victims

    def failure(self, attempt: Attempt) -> Failure:
        size = f", which had {self.victims[attempt.pid]}" if attempt.pid in self.victims else ""
        message = f"the machine's memory ran out ({self.usage}): Ray killed its process{size}"
        return Failure("out_of_memory", message)


def _memory_kill(text: str) -> MemoryKill | None:
    """The kill that an error's text tells of, None where it is about something else."""
    found = MEMORY_KILL.search(text)
    if found is None:
        return None
    return MemoryKill(
        found[1], found[2], {int(pid): size for pid, size in MEMORY_VICTIM.findall(text)}
    )


def worker_loss(trial: Any, attempt: Attempt, is_alive: Callable[[str], bool]) -> Failure:
    """The failure of the attempt that held a Tune trial's worker; ``is_alive`` tells of a node by
    its id.
    """
    text = error_text(trial)
    killed = _memory_kill(text)
    if killed:
        return killed.failure(attempt)
    # one that dies at once has not told where it is; of a node that is gone Ray doesn't say that
    there = is_alive(attempt.node) if attempt.node else PROCESS_DIED in text
    alive = CONNECTION_LOST not in text and there
    return Failure("node", _telling_line(text), {"node_alive": alive})


def executor_loss(error: Exception, attempt: Attempt) -> Failure:
    """The failure of an attempt in flight when Tune gave up, as it does when the memory monitor
    kills a worker.
    """
    killed = _memory_kill(str(error))
    if killed and killed.hit(attempt):
        return killed.failure(attempt)
    return Failure("node", f"the executor stopped: {on_one_line(error)}")


def on_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]


def _telling_line(text: str) -> str:
    """The one line of an error's text that tells most."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [
        line
        for line in lines
        if "exit" in line.lower() or "died" in line.lower() or "killed" in line.lower()
    ]
    return (telling or lines or ["the worker died"])[-1][:_LONGEST]
