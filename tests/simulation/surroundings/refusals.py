"""Times in which a storage is full, read-only or away."""

from __future__ import annotations

import errno
import random
from dataclasses import dataclass

from .world import World

CHANGES = frozenset({"create", "write", "mkdir", "rename"})


@dataclass(frozen=True)
class Refusal:
    """What a storage refuses while it is so, and how."""

    kind: str
    error: int
    changes: frozenset[str] | None
    """None for everything, reading as well."""

    def is_of(self, what: str) -> bool:
        """Whether this is refused."""
        return self.changes is None or what in self.changes


FULL = Refusal("full", errno.ENOSPC, CHANGES)
READ_ONLY = Refusal("read-only", errno.EROFS, CHANGES | {"unlink", "truncate"})
AWAY = Refusal("away", errno.EIO, None)


@dataclass(frozen=True)
class Window:
    """A time in which the storage refuses."""

    refusal: Refusal
    begin: float
    end: float


class Refusals:
    """The times in which one world's storage refuses."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._windows: list[Window] = []

    def plan(self, chance: random.Random) -> None:
        """Have the storage refuse for a while, soon."""
        refusal = chance.choice([FULL, READ_ONLY, AWAY])
        begin = self._world.now + chance.expovariate(1 / 20)
        length = chance.choice([1.0, 10.0, 60.0, 2000.0])
        self._windows.append(Window(refusal, begin, begin + length))

    def end(self) -> None:
        """Have it refuse nothing any more."""
        self._windows = []

    @property
    def are_of_everything(self) -> bool:
        """Whether nothing can be read either."""
        return self._now() is AWAY

    def of(self, what: str) -> Refusal | None:
        """Why something is refused now; None where it isn't."""
        refusal = self._now()
        return refusal if refusal is not None and refusal.is_of(what) else None

    def _now(self) -> Refusal | None:
        for window in self._windows:
            if window.begin <= self._world.now < window.end:
                return window.refusal
        return None
