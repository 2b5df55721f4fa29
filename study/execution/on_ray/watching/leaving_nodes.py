"""The nodes of a cluster that are told to go, while their trials can still hand over.

A spot machine is told some minutes or seconds before it ends, an autoscaler tells a node that it
lets go, and ``ray start --block`` tells its own when it gets a SIGTERM: Ray calls all of that a
drain, and starts nothing new there.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Set

_LAST_MOMENT_S = 3.0
"""How long before a node's end what still trains there is broken off."""
_SURELY = 0.8
"""An epoch that would be too late even if it took this part of the one before is broken off."""


def _read_none() -> dict[str, float]:
    return {}


class LeavingNodes:
    """The nodes that were told to go, by their ids; none where nobody reads them from Ray.

    ``read`` gives them while they live, each with when it ends at the latest, in seconds since
    1970, infinity where nothing was said. ``read_gone`` gives those that are gone and were told.
    """

    def __init__(
        self,
        read: Callable[[], Mapping[str, float]] = _read_none,
        read_gone: Callable[[], Set[str]] = frozenset,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._read_gone = read_gone
        self._clock = clock
        self._ends: Mapping[str, float] = {}

    def look(self) -> None:
        """Read which nodes are told to go; other threads may ask meanwhile."""
        self._ends = {**self._ends, **self._read()}

    @property
    def nodes(self) -> Set[str]:
        """All that were told to go, the ones that are gone by now among them."""
        return self._ends.keys()

    def left_s(self, node: str) -> float:
        """Return for how many seconds a node is still there, at most."""
        return self._ends.get(node, math.inf) - self._clock()

    def was_told(self, node: str) -> bool:
        """Whether a node that is lost was told to go before; Ray is asked where that isn't known.

        A raylet that gets a SIGTERM itself is gone before anybody hears of it.
        """
        return node in self._ends or (bool(node) and node in self._read_gone())

    def is_too_late(self, node: str, began_at: float | None, needs_s: float | None) -> bool:
        """Whether work on a node that leaves can't be ended there: it ``began_at`` a moment, in
        seconds since 1970, and takes about ``needs_s`` seconds. None where that isn't known.
        """
        end = self._ends.get(node, math.inf)
        if self._clock() >= end - _LAST_MOMENT_S:
            return True
        if began_at is None or needs_s is None:
            return False
        return began_at + _SURELY * needs_s > end
