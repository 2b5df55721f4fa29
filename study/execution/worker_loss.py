"""What a worker was lost to, as far as Ray says: its own end, its node's, or the machine's
memory.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from study.journal.history import Attempt

Failure = dict[str, Any]

_UNREACHABLE = "is unavailable"
"""How Ray says that it has lost the connection to a worker: its node may be gone, though Ray hasn't
noticed yet.
"""
_PROCESS_DIED = "its worker process has died"
"""How Ray says that a worker's node has seen its process end."""
_MEMORY = re.compile(
    r"low on memory. Memory on the node \(IP: \S+, ID: (\w+)\) was (\S+ used / \S+ limit)"
)
_VICTIM = re.compile(r"Selected to kill:.*?pid=(\d+), actual memory used=(\S+?),")
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
        return {"class": "out_of_memory", "message": message, "details": {}}


def _memory_kill(text: str) -> MemoryKill | None:
    """The kill that an error's text tells of, None where it is about something else."""
    found = _MEMORY.search(text)
    if found is None:
        return None
    return MemoryKill(found[1], found[2], {int(pid): size for pid, size in _VICTIM.findall(text)})


def worker_loss(trial: Any, attempt: Attempt, is_alive: Callable[[str], bool]) -> Failure:
    """The failure of the attempt that held a Tune trial's worker; ``is_alive`` tells of a node by
    its id.
    """
    text = _error_text(trial)
    killed = _memory_kill(text)
    if killed:
        return killed.failure(attempt)
    # one that dies at once has not told where it is; of a node that is gone Ray doesn't say that
    there = is_alive(attempt.node) if attempt.node else _PROCESS_DIED in text
    alive = _UNREACHABLE not in text and there
    return {"class": "node", "message": _telling_line(text), "details": {"node_alive": alive}}


def executor_loss(error: Exception, attempt: Attempt) -> Failure:
    """The failure of an attempt in flight when Tune gave up, as it does when the memory monitor
    kills a worker.
    """
    killed = _memory_kill(str(error))
    if killed and killed.hit(attempt):
        return killed.failure(attempt)
    return {
        "class": "node",
        "message": f"the executor stopped: {on_one_line(error)}",
        "details": {},
    }


def on_one_line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:_LONGEST]


def _error_text(trial: Any) -> str:
    """What Tune has written of a trial's end."""
    try:
        return Path(trial.error_file).read_text()
    except (OSError, TypeError):
        return ""


def _telling_line(text: str) -> str:
    """The one line of an error's text that tells most."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [
        line
        for line in lines
        if "exit" in line.lower() or "died" in line.lower() or "killed" in line.lower()
    ]
    return (telling or lines or ["the worker died"])[-1][:_LONGEST]
