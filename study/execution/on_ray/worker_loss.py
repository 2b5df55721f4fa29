"""What a worker was lost to, as far as Ray says: itself, its node, or the machine's memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from study.execution.on_ray.ray_internals import (
    CONNECTION_LOST,
    CREATION_FAILED,
    MEMORY_KILL,
    MEMORY_VICTIM,
    PROCESS_DIED,
    error_text,
)
from study.journal.failure import Failure
from study.journal.trials import Attempt

_LONGEST_MESSAGE = 300
_TELLING_WORDS = ("exit", "died", "killed")


@dataclass(frozen=True)
class _MemoryKill:
    """Workers of one node that Ray's memory monitor killed at once."""

    node: str
    usage: str
    """``5.88GB used / 23.54GB limit``."""
    victims: dict[int, str]
    """What each worker occupied, as ``1.81GB``, by its process's id."""

    @classmethod
    def parse(cls, text: str) -> _MemoryKill | None:
        """Read an error's text; None where it is about something else."""
        found = MEMORY_KILL.search(text)
        if found is None:
            return None
        victims = {int(pid): size for pid, size in MEMORY_VICTIM.findall(text)}
        return cls(node=found[1], usage=found[2], victims=victims)

    def has_killed(self, attempt: Attempt) -> bool:
        return attempt.node == self.node and attempt.pid in self.victims

    def failure(self, attempt: Attempt) -> Failure:
        size = ""
        if attempt.pid in self.victims:
            size = f", which had {self.victims[attempt.pid]}"
        message = f"the machine's memory ran out ({self.usage}): Ray killed its process{size}"
        return Failure("out_of_memory", message)


def worker_loss(tune_trial: Any, attempt: Attempt, is_node_alive: Callable[[str], bool]) -> Failure:
    """Say why the attempt failed that a Tune trial's lost worker held.

    ``is_node_alive`` is asked with a node's id.
    """
    text = error_text(tune_trial)
    kill = _MemoryKill.parse(text)
    if kill:
        return kill.failure(attempt)
    if CONNECTION_LOST in text:
        node_alive = False
    elif attempt.node:
        node_alive = is_node_alive(attempt.node)
    else:
        # It died before it said where it was. Of a node that is gone, Ray doesn't say this.
        node_alive = PROCESS_DIED in text
    return Failure("node", _telling_line(text), {"node_alive": node_alive})


def is_setup_failure(tune_trial: Any) -> bool:
    """Whether a worker was lost because it could not even be set up, for no trial's sake."""
    return CREATION_FAILED in error_text(tune_trial)


def executor_loss(error: Exception, attempt: Attempt) -> Failure:
    """Say why a running attempt failed when Tune gave up with an error.

    Tune does so when the memory monitor kills a worker, and every other attempt is lost with it.
    """
    kill = _MemoryKill.parse(str(error))
    if kill and kill.has_killed(attempt):
        return kill.failure(attempt)
    return Failure("node", f"the executor stopped: {on_one_line(error)}")


def on_one_line(error: Exception) -> str:
    """Return an error's class and text without line breaks, cut where it is long."""
    words = f"{type(error).__name__}: {error}".split()
    return " ".join(words)[:_LONGEST_MESSAGE]


def _telling_line(text: str) -> str:
    """Return the last line of an error's text that says how a process ended, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line.lower() for word in _TELLING_WORDS)]
    candidates = telling or lines or ["the worker died"]
    return candidates[-1][:_LONGEST_MESSAGE]
